"""Audits are kept by what they are of, the newest ones."""

import os
from pathlib import Path

import pytest

from viz.runs import audit_folders, files
from viz.runs.audit_folders import audit_folder


def test_the_oldest_audit_goes_and_nothing_that_a_link_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setattr(audit_folders, "MAX_AUDITS", 2)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    first, second = audit_folder("a", "b"), audit_folder("c")
    (first.parent / "link").symlink_to(elsewhere)
    for age, folder in enumerate((second, first)):
        (folder / "audit.json").write_text("{}")
        os.utime(folder, (age, age))
    assert audit_folder("a", "b") == first  # looked at again
    third = audit_folder("d")
    assert sorted(folder.exists() for folder in (first, second, third)) == [False, True, True]
    assert not second.exists()
    assert elsewhere.is_dir()
    assert audit_folder("ab") != first
