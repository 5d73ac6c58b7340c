"""Which models one command scores: the members of a family, or models by name, and why others are left out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from mwe_tasks.errors import MweError
from mwe_tasks.families import Family, parse_size

IN_MEMORY = ("gguf", "mwe-hf", "vllm", "sglang")
"""Providers that hold a model's weights on this machine: of those one model runs at a time."""
EXACT = ("sim", "gguf", "mwe-hf")
"""Providers of ours, which give exact log probabilities in one call and cost nothing."""

BULK = ("gguf", "mwe-hf")
"""Providers whose models the bulk engine runs."""
COMPLETIONS = ("openai-api-completions", "vllm-completions")
"""Providers whose models the server engine asks, where it is asked for."""

Role = Literal["base", "instruct"]


class Run(NamedTuple):
    """One model, or one training checkpoint of it, as it is to be scored."""

    model: str
    """As Inspect names it."""
    revision: str | None = None
    """The branch, tag or commit of a training checkpoint; goes to the provider as `-M revision=`."""
    style: str | None = None
    """chat or completion; None leaves it to the model."""
    params: int | None = None
    options: tuple[tuple[str, object], ...] = ()
    """What its provider is given beside name and revision, as `-M NAME=VALUE`."""

    @property
    def name(self) -> str:
        """The model, and of a training checkpoint its revision: MODEL@REVISION."""
        return self.model if self.revision is None else f"{self.model}@{self.revision}"

    @property
    def provider(self) -> str:
        """What stands before the first slash of the model's name."""
        return self.model.partition("/")[0]

    @property
    def model_args(self) -> dict[str, object]:
        """What the provider is given beside the name."""
        return {**dict(self.options), **({} if self.revision is None else {"revision": self.revision})}


class Chosen(NamedTuple):
    """The models to score, and a sentence for each member of the family that is left out."""

    runs: tuple[Run, ...]
    left_out: tuple[str, ...]


def choose_members(
    family: Family, *, role: Role | None = None, max_params: str | None = None, style: str | None = None
) -> Chosen:
    """The members of a family that are to be scored, each in its own style where none is given.

    Raises MweError where none is left, and for members that no provider here scores rightly.
    """
    most = None if max_params is None else parse_size(max_params)
    runs: list[Run] = []
    left_out: list[str] = []
    for member in family.members:
        if role is not None and member.role != role:
            left_out.append(f"{member.name}: a member of role {member.role}")
        elif member.replay_only:
            left_out.append(f"{member.name}: can no longer be called, only its recorded results can be shown")
        elif why := _too_large(member.params_total, most, max_params):
            left_out.append(f"{member.name}: {why}")
        else:
            runs.append(Run(member.model, member.revision, style or member.style, member.params_total))
    if not runs:
        raise MweError(f"No member of {family.name} is left to score ({'; '.join(left_out)}): choose others.")
    return Chosen(_checked(runs), tuple(left_out))


def choose_models(
    models: Sequence[str], families: Iterable[Family], *, max_params: str | None = None, style: str | None = None
) -> Chosen:
    """Models by their names, with the sizes that these families know of them.

    Raises MweError for a model that is named twice or that no provider here scores rightly, and where none is left.
    """
    if twice := sorted({model for model in models if models.count(model) > 1}):
        raise MweError(f"{', '.join(twice)} is named twice: name it once.")
    known = {m.model: m.params_total for family in families for m in family.members if m.revision is None}
    most = None if max_params is None else parse_size(max_params)
    runs: list[Run] = []
    left_out: list[str] = []
    for model in models:
        if "/" not in model:
            raise MweError(f"{model} names no provider: write PROVIDER/MODEL, as in gguf/smollm2-135m.")
        if why := _too_large(known.get(model), most, max_params):
            left_out.append(f"{model}: {why}")
        else:
            runs.append(Run(model, None, style, known.get(model)))
    if not runs:
        raise MweError(f"No model is left to score ({'; '.join(left_out)}): raise --max-params.")
    return Chosen(_checked(runs), tuple(left_out))


def read_options(texts: Sequence[str]) -> tuple[tuple[str, object], ...]:
    """The options of `-M NAME=VALUE`, numbers as numbers; raises MweError for what is no such pair."""
    options: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.isidentifier() and equals and value):
            raise MweError(f"-M {text} is no option of a model: write NAME=VALUE, as in -M dtype=float32.")
        if name == "revision":
            raise MweError("-M revision= is a member's own: name it in a family file, a member for each revision.")
        options[name] = int(value) if value.isascii() and value.isdigit() else value
    return tuple(sorted(options.items()))


def choose_bulk(runs: Sequence[Run], engine: str | None, options: Mapping[str, object]) -> list[Run]:
    """The models that are scored in bulk.

    Raises MweError where the bulk engine is asked for, itself or by an option of its own, for others than those.
    """
    providers = {"inspect": (), "server": COMPLETIONS}.get(engine or "bulk", BULK)
    found = [run for run in runs if run.provider in providers]
    asked = [
        name for name, value in {**options, f"--engine {engine}": engine in ("bulk", "ray", "server")}.items() if value
    ]
    if asked and len(found) < len(runs):
        other = next(run.name for run in runs if run not in found)
        if engine == "server":
            raise MweError(
                "--engine server is for openai-api-completions/SERVICE/MODEL and vllm-completions/MODEL, not for "
                f"{other}: score it in another command."
            )
        raise MweError(
            f"{asked[0]} is for gguf and mwe-hf models in bulk, and Inspect runs {other}: leave the option out, or "
            "score that model in another command."
        )
    return found


def batches(runs: Sequence[Run]) -> list[list[Run]]:
    """What runs at one time: all models of services and formulas together, then each whose weights are held here."""
    together = [run for run in runs if run.provider not in IN_MEMORY]
    return [*([together] if together else []), *([run] for run in runs if run.provider in IN_MEMORY)]


def _too_large(params: int | None, most: float | None, asked: str | None) -> str | None:
    if most is None or (params is not None and params <= most):
        return None
    return "its size is not known" if params is None else f"{params:,} parameters, more than --max-params {asked}"


def _checked(runs: Sequence[Run]) -> tuple[Run, ...]:
    if wrong := next((run for run in runs if run.provider == "hf"), None):
        raise MweError(
            "The hf provider reports another token's log probability than the sampled one's: "
            f"name mwe-{wrong.model} instead."
        )
    return tuple(runs)
