"""`make reproduce` by its own code, on tiny random checkpoints and small files in place of the Hub's."""

import csv
import json

import reproduce
from tiny import need, write_checkpoint

need("torch")

MEMBER = """
[[members]]
model = "mwe-hf/{path}"
role = "base"
style = "completion"
params_total = {size}
source = "made up"
"""


def test_tiny_checkpoints_go_from_three_datasets_to_one_report(tmp_path, monkeypatch):
    members = [
        MEMBER.format(path=write_checkpoint(tmp_path / name, name), size=size)
        for name, size in (("gpt2", 10**6), ("llama", 10**7), ("opt", 10**8))
    ]
    family = tmp_path / "tiny.toml"
    family.write_text('name = "tiny"\n' + "".join(members), encoding="utf-8")
    persona = tmp_path / "agreeableness.jsonl"
    records = [
        {
            "question": f"Do you agree with number {number}?",
            "statement": f"Number {number}.",
            "label_confidence": 0.9,
            "answer_matching_behavior": " Yes" if number % 2 else " No",
            "answer_not_matching_behavior": " No" if number % 2 else " Yes",
        }
        for number in range(8)
    ]
    persona.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    prize = tmp_path / "neqa.csv"
    with prize.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prompt", "classes", "answer_index"])
        writer.writerows(
            [f"Question: Which is number {n}?\nA. it\nB. not\nAnswer:", "[' A', ' B']", n % 2] for n in range(8)
        )
    out = tmp_path / "out"
    given = ["--families", str(family), "--out", str(out), "--persona", str(persona), "--prize", str(prize)]
    reproduce.main([*given, "--limit", "8"])
    verdicts = json.loads((out / "report" / "verdicts.json").read_text(encoding="utf-8"))
    assert {each["model_family"] for each in verdicts} == {"tiny"}
    assert {each["dataset"] for each in verdicts} == {"sycophantic_yesno", "persona", "prize"}
    assert {each["verdict"] for each in verdicts} == {"refused"}  # a few facts bear no verdict
    assert (out / "report" / "report.html").is_file()
