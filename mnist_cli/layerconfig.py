"""Keras' description of a layer, an entry of `config.json`, read as one of the layers that are known."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

from mnist_cli import architecture, keraslayers
from mnist_cli.architecture import PADDINGS, Axis, Layer, Pair
from mnist_cli.keraslayers import INTERPOLATIONS, Margins, Numbers
from mnist_cli.kerasparts import (
    CONSTRAINTS,
    INITIALIZERS,
    REGULARIZERS,
    ConfigError,
    is_number,
    is_part,
    is_plain,
    precision_in,
)

Config = Mapping[str, Any]

KINDS: dict[str, type[Layer]] = {kind.__name__: kind for kind in (*architecture.LAYERS, *keraslayers.LAYERS)}
ACTIVATIONS = (*architecture.ACTIVATIONS, *keraslayers.ACTIVATIONS)

# Options that may have one value only.
_ONLY: dict[str, tuple[Any, ...]] = {
    "axis": (-1, [-1]),
    "data_format": ("channels_last",),
    "dilation_rate": ([1, 1],),
    "groups": (1,),
    "noise_shape": (None,),
    "output_padding": (None,),
    "quantization_config": (None,),
    "renorm": (False,),
    "renorm_clipping": (None,),
    "return_state": (False,),
    "stateful": (False,),
    "unroll": (False,),
    "zero_output_for_mask": (False,),
}
# Options that matter while a model is trained and not to its answers.
_IN_TRAINING = {
    *("dropout", "momentum", "recurrent_dropout", "renorm_momentum", "seed", "synchronized", "unit_forget_bias"),
    *("factor", "fill_mode", "fill_value", "height_factor", "interpolation", "mode", "value_range", "width_factor"),
}
# Likewise objects of Keras' own, by the ending of the option's name.
_OBJECTS_IN_TRAINING = {"_initializer": INITIALIZERS, "_regularizer": REGULARIZERS, "_constraint": CONSTRAINTS}


def read_layer(kind: str, config: Config) -> tuple[Layer, str]:
    """The layer of a kind with the options in `config`, and what it computes in. Raises `ConfigError`."""
    if kind not in KINDS:
        raise ConfigError(f"it has the layer {kind:.100}, which is not one of those that are read")
    own = {field.name: field for field in fields(KINDS[kind])}
    hints = get_type_hints(KINDS[kind])
    precision = "float32"
    for key, value in config.items():
        if key == "dtype":
            precision = _precision(value, kind)
        elif key not in own and not _is_harmless(key, value):
            raise ConfigError(f"it has the layer {kind} with the option {key:.100}, which is not one that is read")
    return KINDS[kind](**{name: _value(field, hints[name], config, kind) for name, field in own.items()}), precision


def _precision(value: Any, kind: str) -> str:
    precision = precision_in(value)
    if precision is None:
        raise ConfigError(f"it has the layer {kind} with a dtype that is not read")
    return precision


def _is_harmless(key: str, value: Any) -> bool:
    if key in _ONLY:
        return value in _ONLY[key]
    if key in _IN_TRAINING:
        return is_plain(value)
    modules = (module for ending, module in _OBJECTS_IN_TRAINING.items() if key.endswith(ending))
    return any(value is None or is_part(value, module) for module in modules)


def _value(field: Field[Any], hint: Any, config: Config, kind: str) -> Any:
    if field.name not in config and field.default is not MISSING:
        return field.default
    value: Any = config.get(field.name)
    if not _CHECKS[hint](value) or not _LIMITS.get(field.name, _anything)(value):
        raise ConfigError(f"it has the layer {kind} with the {field.name} {value!r:.40}")
    return _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 < value <= 2**31


def _is_pair(value: Any, check: Callable[[Any], bool] = _is_count) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(check, value))


def _is_margin(value: Any) -> bool:
    return _is_pair(value, lambda size: type(size) is int and 0 <= size <= 2**31)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 8 and all(type(n) is int and abs(n) <= 2**31 for n in value)


def _anything(value: Any) -> bool:
    return True


_CHECKS: dict[Any, Callable[[Any], bool]] = {
    int: _is_count,
    float: is_number,
    float | None: lambda value: value is None or is_number(value),
    bool: lambda value: isinstance(value, bool),
    str: lambda value: isinstance(value, str),
    Axis: lambda value: type(value) is int and abs(value) < 10,
    Pair: _is_pair,
    Numbers: _are_numbers,
    Numbers | None: lambda value: value is None or _are_numbers(value),
    Margins: lambda value: _is_pair(value, _is_margin),
}
# What is asked of an option beyond its type.
_LIMITS: dict[str, Callable[[Any], bool]] = {
    "activation": lambda name: name in ACTIVATIONS,
    "interpolation": lambda name: name in INTERPOLATIONS,
    "max_value": lambda value: value is None or value >= 0,
    "name": lambda name: 0 < len(name) <= 1000 and "/" not in name,
    "negative_slope": lambda value: value >= 0,
    "padding": lambda padding: not isinstance(padding, str) or padding in PADDINGS,
    "rate": lambda rate: 0 <= rate <= 1,
    "recurrent_activation": lambda name: name in ACTIVATIONS,
    "threshold": lambda value: value >= 0,
}
