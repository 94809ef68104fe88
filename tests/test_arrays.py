"""The border between NumPy and tensors refuses the same things on both."""

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator

from course.arrays import like, rows, tensor


class Width(BaseEstimator):
    """An estimator with nothing but a border."""


@pytest.fixture(params=[np.asarray, torch.as_tensor], ids=["numpy", "tensor"])
def kind(request):
    return request.param


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_rows_are_float64_and_keep_their_values(kind, dtype):
    X = kind(np.arange(6).reshape(3, 2).astype(dtype))
    model = Width()
    x = rows(model, X, fit=True)
    assert x.dtype == torch.float64
    assert x.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert model.n_features_in_ == 2


BAD = {
    "one axis": (np.zeros(3), "Expected 2D array, got"),
    "three axes": (np.zeros((3, 2, 2)), "2D|dim 3"),
    "complex": (np.zeros((3, 2), complex), "Complex data not supported"),
    "one row": (np.zeros((1, 2)), "minimum of"),
    "no column": (np.zeros((3, 0)), "minimum of"),
    "NaN": (np.array([[0.0, np.nan]] * 3), "Input X contains NaN"),
    "infinity": (np.array([[0.0, np.inf]] * 3), "contains infinity"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(kind, case):
    X, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        rows(Width(), kind(X), fit=True)


def test_a_wrong_width_is_named(kind):
    model = Width()
    rows(model, kind(np.zeros((3, 2))), fit=True)
    with pytest.raises(ValueError, match="has 3 features, but Width is expec"):
        rows(model, kind(np.zeros((3, 3))))


def test_nan_passes_where_it_is_allowed_and_infinity_never_does(kind):
    X = kind(np.array([[0.0, np.nan], [1.0, 2.0]]))
    x = rows(Width(), X, fit=True, missing=True)
    assert x.isnan().tolist() == [[False, True], [False, False]]
    X = kind(np.array([[0.0, np.nan], [1.0, np.inf]]))
    with pytest.raises(ValueError, match="infinity"):
        rows(Width(), X, fit=True, missing=True)


def test_one_row_is_enough_for_a_fitted_model(kind):
    model = Width()
    rows(model, kind(np.zeros((3, 2))), fit=True)
    assert len(rows(model, kind(np.zeros((1, 2))))) == 1


def test_the_answer_is_of_the_kind_of_the_question(kind):
    X = kind(np.zeros((3, 2)))
    assert type(like(X, torch.ones(3))) is type(X)
    assert like(X, torch.ones(3)).tolist() == [1, 1, 1]


def test_a_tensor_fit_forgets_the_names_of_an_earlier_frame():
    model = Width()
    model.feature_names_in_ = np.array(["a", "b"])
    rows(model, torch.zeros(3, 2), fit=True)
    assert not hasattr(model, "feature_names_in_")


def test_read_only_arrays_are_read_and_nothing_is_written():
    X = np.arange(6.0).reshape(3, 2)
    X.flags.writeable = False
    x = rows(Width(), X, fit=True)
    x += 1
    assert X.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_gradients_do_not_leave_the_border():
    X = torch.zeros(3, 2, requires_grad=True)
    assert not rows(Width(), X, fit=True).requires_grad


def test_parameters_become_float64():
    x = torch.zeros(1, dtype=torch.float64)
    assert tensor(np.float32(1.5), x).dtype == torch.float64


@pytest.mark.gpu
def test_tensors_stay_on_their_device():
    X = torch.zeros(3, 2, device="cuda")
    x = rows(Width(), X, fit=True)
    assert x.device.type == "cuda"
    assert like(X, torch.zeros(3)).device.type == "cuda"
    assert tensor(np.ones(2), x).device.type == "cuda"
