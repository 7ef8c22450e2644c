from simulator.cli.step_plot import step_plot


def test_a_value_that_falls_and_rises_is_drawn_as_steps() -> None:
    picture = step_plot([0.0, 4.0, 7.0], [3.0, 1.0, 2.0], 10.0, width=10, height=5)
    assert picture == [
        "3 ┤───╮      ",
        "  ┤   │      ",
        "  ┤   │  ╭───",
        "  ┤   │  │   ",
        "1 ┤   ╰──╯   ",
    ]


def test_before_the_first_value_there_is_nothing_and_a_constant_is_a_line() -> None:
    assert step_plot([5.0], [0.25], 10.0, width=10, height=2) == ["0.25 ┤          ", "0.25 ┤    ──────"]
