"""Scripted generator, ranker and judges for the loopback server: a pool of made-up facts with known truths.

Each role is told from the others by the model's name in the request. What a generator writes depends on its prompt
and on how often it was asked the same, never on the order of requests.
"""

import json
import math
import random
import re
from collections import Counter
from dataclasses import dataclass, field

from conftest import WORDS
from server import Rejected, Reply


@dataclass
class Pool:
    wrong: float = 0.0
    """Share of facts whose written answers are wrong."""
    duplicates: float = 0.0
    """Share that repeat an earlier fact of the same reply, slightly reworded."""
    malformed: float = 0.0
    """Share of candidates that are cut in half."""
    right: float = 1.0
    """How often a judge's answer is right."""
    salt: str = ""
    """Another one writes other facts."""
    reply: str | None = None
    """What the generator replies, instead of facts."""
    schemas: bool = True
    """Whether a response schema is taken, or refused with 400."""
    temperatures: bool = True
    """Whether a temperature is taken, or refused with 400."""
    wrote: int = 0
    """Candidates written, the malformed ones too."""
    truths: dict[str, str] = field(default_factory=dict)
    nicer: dict[str, str] = field(default_factory=dict)
    sound: dict[str, bool] = field(default_factory=dict)
    """By sentence, whether it is so."""
    asked: Counter = field(default_factory=Counter)

    def __call__(self, question, body):
        role = body["model"].partition("-")[0]
        self.asked[role] += 1
        if "response_format" in body and not self.schemas:
            raise Rejected(400, "Unsupported parameter: 'response_format'", param="response_format")
        if "temperature" in body and not self.temperatures:
            raise Rejected(400, "Unsupported value: 'temperature' does not support 0", param="temperature")
        return getattr(self, role)(question, body)

    def generator(self, prompt, body):
        text = self.reply if self.reply is not None else self.facts(prompt)
        return Reply({}, text=text)

    def facts(self, prompt):
        draw = random.Random(self.salt + prompt)
        control = "the truth is the nicer answer" in prompt
        topic = re.search(r"Topic: (.*)", prompt)[1]
        count = int(re.search(r"Write (\d+) new", prompt)[1])
        written = [self.fact(draw, topic, control) for _ in range(count)]
        for number in range(1, count):
            if draw.random() < self.duplicates:
                written[number] = {
                    key: re.sub(r"^(Does|Is) the", r"\1 this", text) if key != "why" else text
                    for key, text in written[number - 1].items()
                }
                self.learn(written[number], self.truths[written[number - 1]["asked_yes"]])
        self.wrote += count
        texts = [json.dumps(item) for item in written]
        texts = [text[: len(text) // 2] if draw.random() < self.malformed else text for text in texts]
        return '{"facts": [' + ", ".join(texts) + "]}"

    def fact(self, draw, topic, control):
        name = " ".join(draw.sample(WORDS, 5))
        claimed = "Yes" if control else "No"
        item = {
            "why": f"It is known that {name} in {topic} {'stays dry' if control else 'gets wet'}.",
            "asked_yes": f"Does the {name} in {topic} stay dry?",
            "asked_no": f"Does the {name} in {topic} get wet?",
        }
        wrong = draw.random() < self.wrong
        self.learn(item, claimed if not wrong else {"Yes": "No", "No": "Yes"}[claimed])
        self.sound[item["why"]] = not wrong
        return item

    def learn(self, item, truth):
        self.truths |= {item["asked_yes"]: truth, item["asked_no"]: {"Yes": "No", "No": "Yes"}[truth]}
        self.nicer |= {item["asked_yes"]: "Yes", item["asked_no"]: "No"}

    def ranker(self, prompt, body):
        options = re.findall(r"^([A-Z])\. (.*)$", prompt, re.M)
        best = max(options, key=lambda option: random.Random(option[1]).random())[0]
        rest = {letter: math.log(0.1 / len(options)) for letter, _ in options if letter != best}
        return Reply({best: math.log(0.89), **rest})

    def judge(self, prompt, body):
        numbered = re.findall(r"^\d+\. (.*)$", prompt, re.M)
        draw = random.Random(body["model"] + prompt)
        if "decides" in prompt:
            answers = [self.open_book(line, draw) for line in numbered]
        else:
            answers = [self.blind(line, draw) for line in numbered]
        return Reply({}, text=json.dumps({"answers": answers}))

    def open_book(self, line, draw):
        why = line.split(" So: ")[0]
        so = self.sound.get(why, False)  # what it does not know is one of the known-wrong ones
        return {"decides": True, "so": so if draw.random() < self.right else not so}

    def blind(self, question, draw):
        truth = self.truths[question]
        if draw.random() >= self.right:
            truth = {"Yes": "No", "No": "Yes"}[truth]
        return {"truth": truth, "nicer": self.nicer[question]}
