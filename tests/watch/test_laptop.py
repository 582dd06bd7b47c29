"""A machine with a lid is told from one without."""

from pathlib import Path

import pytest

from runtime.laptop import about_the_lid, is_laptop


def supplies(folder: Path, **batteries: dict[str, str]) -> Path:
    """Power supplies as Linux lists them."""
    for name, words in batteries.items():
        (folder / name).mkdir()
        for word, value in words.items():
            (folder / name / word).write_text(f"{value}\n")
    return folder


@pytest.mark.skipif("sys.platform != 'linux'", reason="reads what Linux lists")
def test_a_battery_of_its_own_makes_a_laptop_and_that_of_a_mouse_does_not(tmp_path: Path) -> None:
    assert is_laptop(tmp_path / "nothing") is False
    assert is_laptop(supplies(tmp_path, AC={"type": "Mains"}, mouse={"type": "Battery", "scope": "Device"})) is False
    assert is_laptop(supplies(tmp_path, BAT0={"type": "Battery", "status": "Full"})) is True


@pytest.mark.parametrize(("laptop", "begins"), [(True, "This is a laptop: "), (None, "If this is a laptop, ")])
def test_on_a_laptop_and_where_it_is_not_known_alarms_are_said_to_stop_with_the_lid(
    laptop: bool | None, begins: str
) -> None:
    said = about_the_lid(laptop)
    assert said is not None
    assert said.startswith(f"{begins}alarms stop with the lid")
    assert about_the_lid(laptop=False) is None
