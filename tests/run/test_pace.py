from builder.run.pace import FEWEST, SPAN, Each, Mark, Pace


def marked(pace, *marks, under_way=0):
    for seconds, settled, tokens_in, tokens_out in marks:
        pace.mark(Mark(seconds, settled, tokens_in, tokens_out), under_way)
    return pace


def test_what_is_spent_before_the_first_rows_are_through_is_not_theirs():
    pace = Pace(least=10)
    marked(pace, (0.0, 0, 0, 0), (5.0, 0, 100, 1000), (9.0, 15, 100, 1600), under_way=16)
    assert pace.each() is None
    marked(pace, (10.0, 16, 100, 2000), (14.0, 25, 130, 2900), under_way=16)
    assert pace.each() is None  # nine rows since
    marked(pace, (15.0, 26, 140, 3000), under_way=16)
    assert pace.each() == Each(0.5, 4.0, 100.0)


def test_rows_of_an_earlier_process_are_no_pace():
    pace = marked(Pace(least=5), (0.0, 1000, 0, 0), (1.0, 1003, 0, 50), under_way=4)
    assert pace.each() is None
    marked(pace, (2.0, 1004, 0, 80), (4.0, 1014, 0, 180), under_way=4)
    assert pace.each() == Each(0.2, 0.0, 10.0)


def test_the_pace_is_that_of_the_last_ten_minutes():
    slow = [(float(second), second * 2, 0, second * 20) for second in range(0, 1000, 10)]
    pace = marked(Pace(least=5), *slow)
    assert pace.each() == Each(0.5, 0.0, 10.0)
    fast = [
        (1000.0 + second, 2000 + second * 10, 0, 20_000 + second * 10)
        for second in range(0, int(SPAN) + 20, 10)
    ]
    marked(pace, *fast)
    assert pace.each() == Each(0.1, 0.0, 1.0)


def test_slow_rows_are_measured_over_a_hundred_of_them():
    minutes = [(60.0 * row, row, 0, 0) for row in range(300)]
    pace = marked(Pace(least=5), *minutes)
    assert pace.each() == Each(60.0, 0.0, 0.0)
    assert pace._marks[-1].settled - pace._marks[0].settled == FEWEST
