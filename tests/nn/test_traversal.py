"""A traversal moves one feature and leaves the rest alone."""

import pytest
import torch

from course.nn.traversal import traverse


def test_each_example_is_decoded_with_each_value():
    z, values = torch.randn(4, 3), torch.linspace(-2, 2, 5)
    weight = torch.randn(3, 6)

    def decode(z):
        return (z @ weight).unflatten(1, (1, 2, 3))

    found = traverse(decode, z, feature=1, values=values)
    assert found.shape == (4, 5, 1, 2, 3)
    for n in range(4):
        for i, value in enumerate(values):
            one = z[n].clone()
            one[1] = value
            torch.testing.assert_close(found[n, i], decode(one[None])[0])


def test_the_codes_are_not_changed():
    z = torch.zeros(2, 2)
    traverse(lambda z: z, z, feature=0, values=torch.ones(3))
    assert not z.any()


@pytest.mark.parametrize("feature", [-1, 2])
def test_a_feature_that_is_not_there(feature):
    with pytest.raises(ValueError, match="between 0 and 1"):
        traverse(
            lambda z: z,
            torch.zeros(1, 2),
            feature=feature,
            values=torch.ones(1),
        )
