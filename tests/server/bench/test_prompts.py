"""Prompts: different from each other, the same every time, and of the wanted length."""

from antiphon.server.bench.prompts import UNCALIBRATED, Calibration, PromptWriter, calibrate


def words(text: str) -> list[str]:
    return text.split(" ")


def test_the_same_seed_and_label_give_the_same_prompt() -> None:
    assert PromptWriter(1, 50, 9, UNCALIBRATED).write("a") == PromptWriter(
        1, 50, 9, UNCALIBRATED
    ).write("a")


def test_prompts_differ_by_label_and_by_seed() -> None:
    prompts = [
        PromptWriter(seed, 20, 0, UNCALIBRATED).write(str(label))
        for seed in range(10)
        for label in range(50)
    ]
    assert len(set(prompts)) == len(prompts)


def test_all_prompts_share_the_prefix_and_nothing_after_it() -> None:
    writer = PromptWriter(0, prompt_tokens=30, prefix_tokens=12, calibration=UNCALIBRATED)
    first, second = words(writer.write("a")), words(writer.write("b"))
    assert len(first) == len(second) == 42
    assert first[:12] == second[:12]
    assert first[12:] != second[12:]


def test_calibration_finds_what_the_template_adds() -> None:
    calibration = calibrate((10, 45), (20, 60))
    assert calibration == Calibration(1.5, 30.0, is_measured=True)


def test_a_calibrated_prompt_has_the_wanted_number_of_tokens() -> None:
    calibration = calibrate((10, 45), (20, 60))
    writer = PromptWriter(0, prompt_tokens=330, prefix_tokens=150, calibration=calibration)
    assert len(words(writer.write("a"))) == 100 + 200


def test_a_server_that_counts_nothing_leaves_words_as_tokens() -> None:
    assert calibrate((10, None), (20, None)) is UNCALIBRATED
    assert calibrate((10, 30), (20, 30)) is UNCALIBRATED
    assert len(words(PromptWriter(0, 40, 0, UNCALIBRATED).write("a"))) == 40


def test_a_prompt_shorter_than_the_template_still_has_a_word() -> None:
    calibration = Calibration(1.0, 30.0, is_measured=True)
    assert len(words(PromptWriter(0, 5, 0, calibration).write("a"))) == 1
