import sys
from types import SimpleNamespace

import pytest

from mwe_tasks.machine import cores, fast_bfloat16, keep_to_cores, quota


@pytest.mark.parametrize(("text", "expected"), [("200000 100000\n", 2), ("50000 100000\n", 1), ("max 100000\n", None)])
def test_a_containers_quota_is_read_in_cores(tmp_path, text, expected):
    (tmp_path / "cpu.max").write_text(text, encoding="ascii")
    assert quota(tmp_path) == (expected or sys.maxsize)


@pytest.mark.parametrize(("most", "expected"), [("350000", 3), ("-1", None)])
def test_so_is_one_of_the_older_kind(tmp_path, most, expected):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(most, encoding="ascii")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000", encoding="ascii")
    assert quota(tmp_path) == (expected or sys.maxsize)


def test_a_machine_without_quotas_has_none(tmp_path):
    assert quota(tmp_path) == sys.maxsize


@pytest.mark.parametrize(("before", "after"), [(10**6, cores()), (1, 1)])
def test_there_are_never_more_threads_than_cores(before, after):
    threads = [before]
    keep_to_cores(SimpleNamespace(get_num_threads=lambda: threads[-1], set_num_threads=threads.append))
    assert threads[-1] == after


@pytest.mark.parametrize(
    ("known", "fast"),
    [({"avx512_bf16": True}, True), ({"bf16": True}, True), ({"avx512_bf16": False}, False), ({}, False)],
)
def test_bfloat16_is_fast_where_the_cpu_says_so(known, fast):
    assert fast_bfloat16(SimpleNamespace(cpu=SimpleNamespace(get_capabilities=lambda: known))) == fast


def test_a_torch_that_cannot_tell_means_no():
    assert not fast_bfloat16(SimpleNamespace(cpu=SimpleNamespace()))
