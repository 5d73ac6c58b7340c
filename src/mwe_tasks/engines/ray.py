"""The Ray engine: jobs of several models over a cluster, each loaded model in a process of its own.

What a batch is, how it is kept and what becomes a log are the bulk engine's. A worker is a Ray actor that holds one
model and runs batches into parts that all nodes can reach. Which batches are done is read from the parts alone, so a
worker, a node or the driver may be lost at any time: what is in a part is not run again, and what is not is.

Which workers there are: one for every model before any has two, since a large model is not to be loaded twice where
once serves. A model gets one more, up to as many as the cluster has room for, each time what nobody has taken of its
work would last longer than loading it once more (`pieces.worth_another`). A worker that finds nothing to do is ended.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mwe_tasks.clusters import demand_of, has_room, nodes, refuse_too_large, threads_of
from mwe_tasks.errors import MweError
from mwe_tasks.jobs import Opened
from mwe_tasks.parts import Begun, Finished, Part
from mwe_tasks.pieces import Queue
from mwe_tasks.teams import Hand, Team
from mwe_tasks.workers import Told, Worker

if TYPE_CHECKING:
    from mwe_tasks.runs import Run

DEATHS = 3
"""Workers of a model that may die one after another without a batch; then it is given up."""
LOOK = 2.0
"""Seconds after which the cluster is looked at again although no worker has reported."""


class Work(NamedTuple):
    """A job with its part, whose folder is the same one wherever it is opened."""

    opened: Opened
    part: Part


class Spread:
    """Runs works over the connected cluster.

    `tell` is told of questions that are done, `finish` of works whose batches all are, `fail` of those that cannot
    be, with why. `threads` are those of each worker, `threads_of` the cluster where None.
    """

    def __init__(
        self,
        works: Mapping[int, Work],
        done: Mapping[int, float],
        *,
        threads: int | None,
        tell: Callable[[float], None],
        finish: Callable[[int], None],
        fail: Callable[[int, str], None],
    ) -> None:
        import ray

        found = nodes()
        self.works, self.tell, self.finish, self.fail = works, tell, finish, fail
        self.threads = threads or threads_of(found)
        self.sent = {job: ray.put(work.opened) for job, work in works.items()}
        self.calls: dict[Any, tuple[Team, Hand]] = {}
        jobs: dict[Run, dict[int, float]] = {}
        for job, work in works.items():
            run = work.opened.job.run._replace(style=None)  # the same weights, however they are asked
            jobs.setdefault(run, {})[job] = len(work.opened.rows) - done[job]
        self.teams = [
            Team(run, demand_of(run, self.threads, found), Queue(left), dict.fromkeys(left))
            for run, left in jobs.items()
        ]
        self.teams.sort(key=lambda team: -team.demand.memory)  # the largest needs the most room, and the most time

    def run(self) -> None:
        """Runs until every work is finished or has failed; on any exception the workers are ended."""
        import ray

        try:
            while self._staff():
                ready, _ = ray.wait(list(self.calls), num_returns=1, timeout=LOOK)
                for call in ready:
                    if call in self.calls:  # else its team was given up meanwhile
                        self._hear(call, *self.calls.pop(call))
        finally:
            for team in self.teams:
                for hand in list(team.hands):
                    self._end(team, hand)

    def _staff(self) -> bool:
        """Gives work to whoever waits, and each model the workers it should have; False where nothing is left."""
        found = nodes()
        for team in self.teams:
            for hand in [each for each in team.hands if each.job is None]:
                if hand.loaded:
                    self._hand_out(team, hand)
                elif not team.needed and not team.queue.planning:
                    self._end(team, hand)
            if not team.placed:
                try:
                    refuse_too_large(team.demand, found)
                except MweError as error:
                    self._give_up(team, error.message)
                    continue
                if not team.hands:
                    self._engage(team)
        if all(team.placed for team in self.teams):
            wanting = (team for team in self.teams if team.wants_another)
            fitting = next((team for team in wanting if has_room(team.demand)), None)
            if fitting is not None:
                self._engage(fitting)  # one at a time, since what is free is known again when it is placed
        return bool(self.calls)

    def _engage(self, team: Team) -> None:
        import ray

        asked = {"num_cpus": team.demand.cpus, "num_gpus": team.demand.gpus, "memory": team.demand.memory or None}
        actor = ray.remote(Worker).options(**asked, max_restarts=0).remote(team.run, self.threads, str(Path.cwd()))
        hand = Hand(actor)
        team.hands.append(hand)
        self.calls[actor.load.remote()] = team, hand

    def _hand_out(self, team: Team, hand: Hand) -> None:
        taken = team.queue.take(hand.at, len(team.hands))
        if taken is None:
            if not team.queue.planning:
                self._end(team, hand)
            return
        hand.job, hand.batches = taken
        folder = self.works[hand.job].part.folder
        if hand.batches:
            opened = None if hand.at == hand.job else self.sent[hand.job]
            call = hand.actor.run.remote(hand.job, opened, folder, list(hand.batches))
        else:
            call = hand.actor.plan.remote(hand.job, self.sent[hand.job], folder)
        hand.at = hand.job
        self.calls[call] = team, hand

    def _hear(self, call: Any, team: Team, hand: Hand) -> None:
        import ray

        try:
            told: Told = ray.get(call)
        except ray.exceptions.RayError as error:
            self._bury(team, hand, str(error))
            return
        job, hand.job = hand.job, None
        if job is None:
            self._hear_of_loading(team, hand, told)
        elif told.otherwise and len(team.hands) > 1:
            self._end(team, hand)
            team.queue.give_back(job, hand.batches)
            team.load_seconds = float("inf")  # a node of another kind: those that fit go on, and nobody else tries
        elif told.error is not None:
            hand.at = None
            self._drop(team, job, told.error)
        elif hand.batches:
            team.deaths = 0
            team.timed = (team.timed[0] + told.value, team.timed[1] + sum(hand.batches.values()))
            self._count(team, job, hand.batches)
        else:
            self._hear_of_plan(team, job, *told.value)

    def _hear_of_loading(self, team: Team, hand: Hand, told: Told) -> None:
        if told.error is None:
            hand.loaded, team.load_seconds = True, max(team.load_seconds, told.value)
        elif any(each.loaded for each in team.hands):
            self._end(team, hand)
            team.load_seconds = float("inf")  # where it is loaded it stays; nobody else tries
        else:
            self._give_up(team, told.error)

    def _hear_of_plan(self, team: Team, job: int, key: str, questions: Sequence[float]) -> None:
        part = self.works[job].part
        begun, done = self._read(team, job)
        if job not in team.open:
            return
        if begun is None or begun.key != key:
            where = f"{part.folder} is another folder to the nodes of the cluster than to this machine"
            self._drop(team, job, f"{where}: name one that all reach with --parts, such as s3://BUCKET/FOLDER")
            return
        left = {number: each for number, each in enumerate(questions) if number not in done}
        team.queue.plan(job, left)
        team.open[job] = len(left)
        self._count(team, job, {})

    def _count(self, team: Team, job: int, batches: Mapping[int, float]) -> None:
        left = team.open.get(job)
        if left is not None:  # else it has failed meanwhile
            self.tell(sum(batches.values()))
            team.open[job] = left - len(batches)
            if left == len(batches):
                del team.open[job]
                del self.sent[job]
                self.finish(job)

    def _bury(self, team: Team, hand: Hand, why: str) -> None:
        """Gives back what a worker that is gone had not done; its part says what that is."""
        self._end(team, hand)
        team.deaths += 1
        job, batches = hand.job, dict(hand.batches)
        if job is not None and job in team.open:
            done = self._read(team, job)[1] if batches else {}
            kept = {number: batches.pop(number) for number in list(batches) if number in done}
            team.deaths = 1 if kept else team.deaths
            team.queue.give_back(job, batches)
            self._count(team, job, kept)
        if "failed to import" in why:
            self._give_up(team, "mwe-tasks is not installed on a node of the cluster: install it there as it is here")
        elif team.deaths >= DEATHS:
            self._give_up(team, f"{DEATHS} workers were lost one after another without a batch: {why}")

    def _read(self, team: Team, job: int) -> tuple[Begun | None, Mapping[int, Finished]]:
        """What a job's part holds; the job is taken out where that cannot be read."""
        part = self.works[job].part
        try:
            begun = part.begun()
            return begun, {} if begun is None else part.finished(begun)
        except MweError as error:
            self._drop(team, job, error.message)
            return None, {}

    def _drop(self, team: Team, job: int, why: str) -> None:
        """Takes out a job that has failed."""
        if job in team.open:
            del team.open[job]
            del self.sent[job]
            team.queue.drop(job)
            self.fail(job, why)

    def _give_up(self, team: Team, why: str) -> None:
        """Takes out all jobs of a model that are not finished."""
        for hand in list(team.hands):
            self._end(team, hand)
        for job in list(team.open):
            self._drop(team, job, why)

    def _end(self, team: Team, hand: Hand) -> None:
        import ray

        team.hands.remove(hand)
        self.calls = {call: of for call, of in self.calls.items() if of[1] is not hand}
        ray.kill(hand.actor)
