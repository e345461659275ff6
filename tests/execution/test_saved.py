"""What users saved with earlier versions loads today, and gives what it gave then.

``saved/first`` holds a Keras model of each function and of layers, plans, and a graph of TensorFlow, as konvolve
0.1.0.dev0 wrote them on 2026-11-25.
"""

import json
import pathlib
import pickle

import keras
import numpy as np
import pytest

import konvolve.layers

FOLDER = pathlib.Path(__file__).parents[1] / "saved" / "first"


def saved_arrays(name):
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return [arrays[key] for key in arrays.files if key not in ("expected", "y")], arrays[
            "y" if "y" in arrays.files else "expected"
        ]


def close(y, expected):
    np.testing.assert_allclose(y, expected, rtol=0, atol=2e-5 * max(1, np.abs(expected).max()))


@pytest.mark.filterwarnings("ignore:The structure of `inputs`:UserWarning")
@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.keras")))
def test_keras_models(name):
    inputs, expected = saved_arrays(name)
    model = keras.models.load_model(FOLDER / f"{name}.keras")
    close(keras.ops.convert_to_numpy(model(inputs if len(inputs) > 1 else inputs[0])), expected)


def test_pickled_plans():
    plans = pickle.loads((FOLDER / "plans.pickle").read_bytes())
    then = json.loads((FOLDER / "plans.json").read_text())
    assert plans.keys() == then.keys()
    for name, plan in plans.items():
        assert plan.method == then[name]["method"]
        assert sorted(str(plan).splitlines()) == sorted(then[name]["text"].splitlines())
        assert pickle.loads(pickle.dumps(plan)) == plan
        assert plan.seconds == pytest.approx(plan.estimates[0].seconds) if plan.estimates else plan.seconds is None


def test_a_graph_of_tensorflow():
    import tensorflow as tf

    (image,), expected = saved_arrays("graph")
    close(tf.saved_model.load(str(FOLDER / "graph"))(image), expected)


@pytest.mark.parametrize(
    "layer", [konvolve.layers.Conv2D(2, 3), konvolve.layers.DepthwiseConv1D(3), konvolve.layers.Filter([1.0], "valid")]
)
def test_modes_that_valid_padding_had_no_use_for(layer):
    config = layer.get_config() | {"padding_mode": "reflect"}
    assert type(layer).from_config(config).padding == "valid"


@pytest.mark.parametrize("name", ["conv", "depthwise_conv"])
def test_the_same_in_functions_of_symbolic_tensors(name):
    ask, kernel = getattr(konvolve.nn, name), np.ones((3, 2, 1), "float32")
    entry = keras.Input((None, 2))
    config = keras.Model(entry, ask(entry, kernel)).get_config()
    (recorded,) = [each for each in config["layers"] if each["class_name"] == "Convolution"]
    recorded["config"]["options"]["padding_mode"] = "reflect"
    model = keras.Model.from_config(config)
    model.set_weights([kernel])
    x = np.arange(12, dtype="float32").reshape(1, 6, 2)
    close(keras.ops.convert_to_numpy(model(x)), ask(x, kernel))
