import pytest

from builder.engines.preflight.preflight import Check
from builder.generate.preflight import model_check, sample_params
from builder.recipe.load import load_recipe
from tests.generate.bench import TEMPLATE

HUB = "acme/Large-Instruct"


@pytest.mark.parametrize(
    ("told", "wanted", "check"),
    [
        ([], HUB, None),
        ([{"version": "3"}], HUB, None),
        ([{"model_id": HUB}, {"model": HUB}], HUB, Check("model served", HUB)),
        ([{"model_id": "acme/Small"}], HUB, Check("model served", "acme/Small", fine=False)),
        (
            [{"model_id": HUB}, {"model": "acme/Small"}],
            HUB,
            Check("model served", f"{HUB}, acme/Small", fine=False),
        ),
        ([{"model_id": "/model"}], "demo", Check("model served", "/model")),
    ],
)
def test_another_model_than_the_recipes_is_for_people_to_look_at(told, wanted, check):
    assert model_check(told, wanted) == check


def test_samples_go_over_the_recipes_own_sweep_with_seeds_of_their_own():
    recipe = load_recipe("demo", ())
    params = sample_params(recipe, TEMPLATE)

    assert len({one.seed for one in params}) == len(params) == 20
    assert {(one.temperature, one.top_p) for one in params} == {
        (point.temperature, point.top_p) for point in recipe.instruction.sweep
    }
    assert {one.stop for one in params} == {TEMPLATE.stops}
    assert not any(one.whole for one in params)
