"""Keras' parts that a model from a stranger may name beside its layers: exact classes, made from plain values.

Keras makes whatever public class or function a config names, so nothing may be named that is not listed here; and
nothing that is listed runs code of the file's, or opens anything.
"""

import re
from collections.abc import Mapping
from typing import Any

INITIALIZERS, REGULARIZERS, CONSTRAINTS = "keras.initializers", "keras.regularizers", "keras.constraints"
# Only what a model was trained with, which is never made again.
_LOSSES, _METRICS, _OPTIMIZERS = "keras.losses", "keras.metrics", "keras.optimizers"
_SCHEDULES = "keras.optimizers.schedules"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLASSES: dict[str, frozenset[str]] = {
    INITIALIZERS: _words(
        "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal"
        " RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros"
    ),
    REGULARIZERS: _words("L1 L1L2 L2 OrthogonalRegularizer"),
    CONSTRAINTS: _words("MaxNorm MinMaxNorm NonNeg UnitNorm"),
    _LOSSES: _words(
        "BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy"
        " CategoricalHinge Hinge Huber KLDivergence LogCosh MeanAbsoluteError MeanSquaredError Poisson"
        " SparseCategoricalCrossentropy SquaredHinge"
    ),
    _METRICS: _words(
        "Accuracy BinaryAccuracy CategoricalAccuracy CategoricalCrossentropy F1Score KLDivergence Mean MeanSquaredError"
        " Precision Recall SparseCategoricalAccuracy SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy"
        " TopKCategoricalAccuracy"
    ),
    _OPTIMIZERS: _words(
        "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon Nadam RMSprop SGD"
    ),
    _SCHEDULES: _words(
        "CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay"
    ),
}
# How Keras writes down one of its own losses or metrics that was given as a function: by its name.
_FUNCTIONS = _words(
    "binary_crossentropy categorical_crossentropy categorical_focal_crossentropy kl_divergence mean_absolute_error"
    " mean_squared_error sparse_categorical_crossentropy categorical_accuracy sparse_categorical_accuracy"
)
_PRECISIONS = _words("float16 float32 float64 bfloat16 mixed_float16 mixed_bfloat16")

_WORD = re.compile(r"\w{0,100}", re.ASCII)
_LARGEST = 2**63
_KEYS = {"module", "class_name", "config", "registered_name", "shared_object_id"}


class ConfigError(ValueError):
    """A config that describes no model, or one with parts that are not read."""


def is_part(value: Any, *modules: str) -> bool:
    """Whether this is how Keras writes down an object of its own, from one of the modules, made from plain values."""
    match value:
        case {"module": str(module), "class_name": str(kind), "config": dict(config)} if module in modules:
            known = kind in _CLASSES[module] and _is_registered_by_nobody(value)
            return known and all(is_plain(option) or is_part(option, *modules) for option in config.values())
    return False


def is_training(value: Any) -> bool:
    """Whether this may be the `compile_config` of a model: an optimizer, losses and metrics, or their names."""
    if isinstance(value, list):
        return all(map(is_training, value))
    if isinstance(value, dict) and "class_name" not in value:
        return all(_is_word(key) and is_training(entry) for key, entry in value.items())
    match value:
        case {"module": "builtins", "class_name": "function", "config": str(name), "registered_name": "function"}:
            return name in _FUNCTIONS and len(value) == 4
    return is_plain(value) or is_part(value, _LOSSES, _METRICS, _OPTIMIZERS, _SCHEDULES)


def precision_in(value: Any) -> str | None:
    """The precision that an option `dtype` tells of, by its name or as an object of Keras; None: nothing known."""
    match value:
        case {"module": "keras", "class_name": "DTypePolicy", "config": {"name": name, **others}} if not others:
            value = name if _is_registered_by_nobody(value) else None
    return value if isinstance(value, str) and value in _PRECISIONS else None


def is_plain(value: Any) -> bool:
    """Whether this is None, a finite number, a word, or a list of such: nothing that names a file or an object."""
    if isinstance(value, list):
        return all(map(is_plain, value))
    return _is_word(value) or is_number(value) or value is None or isinstance(value, bool)


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and -_LARGEST < value < _LARGEST


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _is_registered_by_nobody(value: Mapping[str, Any]) -> bool:
    return value.get("registered_name") is None and value.keys() <= _KEYS
