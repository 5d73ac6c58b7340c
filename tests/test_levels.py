import numpy as np
import pytest
from scipy import stats
from verdict_data import SIZES, falling, hill, level, rising, scores, valley

from mwe_tasks.claims import checkpoint_words, family_words
from mwe_tasks.levels import arms, checkpoints, family
from mwe_tasks.trend import contrasts, covariance, with_ridge

SHAPES = [(rising, "standard"), (falling, "inverse"), (valley, "U"), (hill, "inverted-U"), (level, "flat")]
DF = 399


def given(curve, number, **made):
    values = scores(curve, SIZES[number], **{"n": 400, "seed": 3, **made})
    found = with_ridge(covariance(values), len(values), 1.0)
    return values.mean(axis=0), found, np.log10(SIZES[number])


def swinging(number, noise):
    """Means without a trend, and noise between models: up and down by turns."""
    return 0.5 + noise * (-1.0) ** np.arange(number), np.eye(number) * 1e-5, np.log10(SIZES[number])


@pytest.mark.parametrize(("curve", "word"), SHAPES)
@pytest.mark.parametrize("number", [4, 5, 6, 8])
def test_the_checkpoints_level_names_a_planted_shape(curve, word, number):
    assert checkpoints(*given(curve, number, n=2000), DF, 0.05).word == word


@pytest.mark.parametrize(("curve", "word"), SHAPES)
@pytest.mark.parametrize("number", [6, 8])
def test_the_family_level_names_a_planted_shape(curve, word, number):
    assert family(*given(curve, number, n=4000), 0.05).word == word


@pytest.mark.parametrize(("curve", "word"), [(rising, "standard"), (falling, "inverse"), (level, "flat")])
def test_five_sizes_tell_a_direction_of_the_family(curve, word):
    assert family(*given(curve, 5, n=4000), 0.05).word == word


@pytest.mark.parametrize("curve", [valley, hill])
def test_five_sizes_tell_no_u_of_the_family(curve):
    assert family(*given(curve, 5, n=4000), 0.05).word == "inconclusive"


@pytest.mark.parametrize("curve", [valley, hill])
def test_three_sizes_tell_no_u_of_the_checkpoints(curve):
    assert checkpoints(*given(curve, 3, n=4000), DF, 0.05).word == "inconclusive"


@pytest.mark.parametrize(("curve", "word"), [(rising, "standard"), (falling, "inverse"), (level, "flat")])
def test_three_sizes_tell_a_direction_of_the_checkpoints(curve, word):
    assert checkpoints(*given(curve, 3, n=4000), DF, 0.05).word == word


def test_a_rise_with_one_arm_significantly_down_is_not_standard():
    means, x = np.array([0.5, 0.4, 0.7, 0.9]), np.log10(SIZES[4])
    assert checkpoints(means, np.eye(4) * 1e-5, x, DF, 0.05).word == "U"
    assert checkpoints(means[:3], np.eye(3) * 1e-5, x[:3], DF, 0.05).word == "inconclusive"


def test_both_a_u_and_an_inverted_u_are_inconclusive():
    means = np.array([0.5, 0.8, 0.8, 0.2, 0.2, 0.5])
    assert checkpoints(means, np.eye(6) * 1e-5, np.arange(6.0), DF, 0.05).word == "inconclusive"


def test_two_sizes_give_the_checkpoints_a_difference_and_no_word():
    means, found, x = given(rising, 2)
    made = checkpoints(means, found, x, DF, 0.05)
    assert (made.word, made.slope) == ("refused", pytest.approx((means[1] - means[0]) / 2))


@pytest.mark.parametrize("number", [3, 4])
def test_too_few_sizes_give_the_family_its_noise_and_no_word(number):
    made = family(*given(rising, number), 0.05)
    assert (made.word, made.tau1 is None) == ("refused", False)


def test_two_sizes_leave_the_family_nothing_to_estimate_noise_from():
    made = family(*given(rising, 2), 0.05)
    assert (made.tau1, made.tau1_low, made.low, made.high, made.p) == (None, None, -np.inf, np.inf, 1)


@pytest.mark.parametrize("number", [4, 5, 6, 8])
def test_mirrored_means_give_the_mirrored_word(number):
    mirror = {"standard": "inverse", "inverse": "standard", "U": "inverted-U", "inverted-U": "U"}
    draw = np.random.default_rng(6)
    means = 0.1 * draw.normal(size=(300, number))
    found = np.broadcast_to(np.eye(number) * 4e-4, (300, number, number))
    x = np.log10(SIZES[number])
    words = checkpoint_words(means, found, x, DF, 0.05)
    assert [mirror.get(word, word) for word in words] == checkpoint_words(-means, found, x, DF, 0.05).tolist()
    if number >= 5:
        words = family_words(means, found, x, 0.05)
        assert [mirror.get(word, word) for word in words] == family_words(-means, found, x, 0.05).tolist()


def test_words_of_many_repeats_are_those_of_each():
    draw = np.random.default_rng(7)
    means, x = 0.05 * draw.normal(size=(40, 6)) + 0.1 * np.linspace(0, 1, 6), np.log10(SIZES[6])
    found = np.broadcast_to(np.eye(6) * 4e-4, (40, 6, 6))
    one = [(checkpoints(m, s, x, DF, 0.05).word, family(m, s, x, 0.05).word) for m, s in zip(means, found, strict=True)]
    many = zip(checkpoint_words(means, found, x, DF, 0.05), family_words(means, found, x, 0.05), strict=True)
    assert one == list(many)


def test_a_lazily_drawn_critical_value_gives_the_words_of_one_that_is_always_drawn():
    draw = np.random.default_rng(8)
    means, found, x = 0.06 * draw.normal(size=(60, 4)), np.eye(4) * 4e-4, np.log10(SIZES[4])
    for one in means:
        reach = {(arm.first, arm.last): (arm.low, arm.high) for arm in arms(one, found, x, DF)}
        u = any(reach[0, k][1] < 0 < reach[k, 3][0] for k in (1, 2))
        inverted = any(reach[0, k][0] > 0 > reach[k, 3][1] for k in (1, 2))
        word = checkpoints(one, found, x, DF, 0.05).word
        assert (word == "U", word == "inverted-U") == (u and not inverted, inverted and not u)


def test_at_tau_star_the_deciding_change_is_at_the_edge_of_significance():
    means, found, x = given(rising, 4)
    noise = checkpoints(means, found, x, DF, 0.05).tau_star
    full = contrasts(x).full
    t = full @ means / np.sqrt(full @ (found + noise**2 * np.eye(4)) @ full)
    assert t == pytest.approx(stats.t.ppf(0.975, DF))


def test_with_noise_just_under_tau_star_a_u_is_still_one_and_just_over_it_is_not():
    means, found, x = given(valley, 6)
    noise = checkpoints(means, found, x, DF, 0.05).tau_star
    under, over = (found + (noise * by) ** 2 * np.eye(6) for by in (0.97, 1.03))
    assert [checkpoints(means, s, x, DF, 0.05).word == "U" for s in (under, over)] == [True, False]


def test_nothing_claimed_has_no_tau_star():
    assert checkpoints(*given(level, 6, n=4000), DF, 0.05).tau_star is None


def test_noise_between_models_widens_the_familys_interval_and_not_the_checkpoints():
    quiet, loud = swinging(8, 0.0), swinging(8, 0.1)
    assert family(*loud, 0.05).error > 5 * family(*quiet, 0.05).error
    assert checkpoints(*loud, DF, 0.05).error == checkpoints(*quiet, DF, 0.05).error


def test_tau1_is_the_scatter_about_the_line_less_what_sampling_explains():
    means, found, x = swinging(8, 0.1)
    rest = np.polyfit(x, means, 1, full=True)[1][0]
    line = np.stack([np.ones(8), x], axis=1)
    sampling = np.trace((np.eye(8) - line @ np.linalg.pinv(line)) @ found)
    assert family(means, found, x, 0.05).tau1 == pytest.approx(np.sqrt((rest - sampling) / 6))


def test_the_interval_of_tau1_holds_nine_in_ten_of_the_truth():
    draw, x = np.random.default_rng(9), np.log10(SIZES[8])
    found = np.eye(8) * 1e-6
    made = [family(0.05 * draw.normal(size=8), found, x, 0.05) for _ in range(600)]
    assert np.mean([each.tau1_low < 0.05 < each.tau1_high for each in made]) == pytest.approx(0.9, abs=0.04)


TABLE = {5: (3.670, None, 2.920, 2.353), 6: (3.135, 5.841, 2.353, 2.132), 8: (2.712, 4.456, 2.015, 1.943)}
TABLE[10] = (2.535, 4.029, 1.895, 1.860)


def edge(is_so, high):
    """The smallest number up to high from which something is so, by bisection."""
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if is_so(middle) else (middle, high)
    return high


def word(means, delta=1e-9):
    """The family's word on means of equal, independent errors 1, at sizes a decade apart."""
    return family_words(means, np.eye(len(means)), np.arange(float(len(means))), delta)


def two_arms(number, turn):
    """The weights of the left and right arm of a line that turns there, and the means of slope -1 and 1 with it."""
    x = np.arange(float(number)) - turn
    weights = np.linalg.pinv(np.stack([np.ones(number), np.minimum(x, 0), np.maximum(x, 0)], axis=1))[1:]
    return weights * [[-x[0]], [x[-1]]], np.minimum(x, 0), np.maximum(x, 0)


@pytest.mark.parametrize("number", TABLE)
def test_standard_begins_at_c1(number):
    x = np.arange(float(number))
    full = contrasts(x).full
    begins = edge(lambda slope: word(slope * x) == "standard", 100)
    assert begins * (number - 1) / np.sqrt(full @ full) == pytest.approx(TABLE[number][0], abs=5e-4)


@pytest.mark.parametrize("number", [6, 8, 10])
def test_a_u_begins_where_both_arms_are_beyond_c2(number):
    weights, left, right = two_arms(number, number // 2)
    begins = edge(lambda slope: word(slope * (right - left)) == "U", 100)
    t = begins * weights @ (right - left) / np.sqrt(np.sum(weights**2, axis=1))
    assert np.min(np.abs(t)) == pytest.approx(TABLE[number][1], abs=5e-4)


@pytest.mark.parametrize("number", TABLE)
def test_standard_ends_where_an_arm_is_below_minus_c3(number):
    weights, left, right = two_arms(number, 1)
    ends = edge(lambda depth: word(100 * right - depth * left) != "standard", 100)
    t = ends * weights[0] @ left / np.sqrt(np.sum(weights[0] ** 2))
    assert t == pytest.approx(TABLE[number][2], abs=5e-4)


@pytest.mark.parametrize("number", TABLE)
def test_flat_begins_where_q_errors_of_change_and_bow_lie_inside_delta(number):
    lines = contrasts(np.arange(float(number)))
    begins = edge(lambda delta: word(np.zeros(number), delta) == "flat", 100)
    larger = max(np.sqrt(lines.full @ lines.full), np.sqrt(lines.bow @ lines.bow))
    assert begins / larger == pytest.approx(TABLE[number][3], abs=5e-4)


def test_the_familys_interval_is_c1_errors_wide():
    made = family(*given(rising, 8), 0.05)
    assert (made.high - made.slope) / made.error == pytest.approx(TABLE[8][0], abs=5e-4)
