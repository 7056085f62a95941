"""What GPTQ is calibrated on."""

import pytest

from inference import calibration
from samples.errors import BenchwarrantError
from samples.study import load_study


def test_calibration_texts_of_a_file(tmp_path):
    (tmp_path / "a.txt").write_text("one\nmore\n\n\n\ntwo\n")
    assert sorted(calibration.from_file(tmp_path / "a.txt")) == ["one\nmore", "two"]
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n{"question": "2 + 2?", "answer": "4"}\n')
    assert sorted(calibration.from_file(tmp_path / "a.jsonl")) == ["2 + 2?\n\n4", "x"]
    (tmp_path / "many.txt").write_text("\n\n".join(map(str, range(600))))
    some = calibration.from_file(tmp_path / "many.txt")
    assert len(set(some)) == 512 and some == calibration.from_file(tmp_path / "many.txt")


def test_calibration_texts_of_a_study_are_of_its_train_splits(tmp_path):
    row = '{"question": "%s?", "answer": "Count. #### %d"}\n'
    (tmp_path / "test.jsonl").write_text(row % ("asked", 1))
    (tmp_path / "train.jsonl").write_text(row % ("shown", 2) + row % ("other", 3))
    text = (
        'name = "s"\n[[task]]\nname = "sums"\n[[task]]\nname = "gsm8k"\npath = "test.jsonl"\n'
        'exemplars = "train.jsonl"\n'
    )
    (tmp_path / "study.toml").write_text(text)
    study = load_study(tmp_path / "study.toml")
    assert sorted(calibration.from_study(study)) == ["other?\n\nCount. 3", "shown?\n\nCount. 2"]


def test_no_calibration_texts_is_an_error(tmp_path):
    (tmp_path / "study.toml").write_text('name = "s"\n[[task]]\nname = "sums"\n')
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(BenchwarrantError, match="no text to calibrate on; give a file with --cal"):
        calibration.chosen(None, tmp_path / "study.toml")
    with pytest.raises(BenchwarrantError, match=r"empty\.txt: no text to calibrate on"):
        calibration.chosen(tmp_path / "empty.txt", tmp_path / "study.toml")
    for name in ("none.jsonl", "none.txt"):
        with pytest.raises(BenchwarrantError, match=r"--calibration: .*none\."):
            calibration.chosen(tmp_path / name, tmp_path / "study.toml")
