"""Model files that are broken, or made to do harm: what they would do, if they could, is to make a file `MARKER`."""

import base64
import io
import json
import marshal
import struct
import zipfile
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import h5py
import numpy as np

from mnist_cli.data import MODEL_PATH

Change = Callable[[Any], object]

MARKER = "marker"
_ESCAPES = "\x1b[31m\x1b]0;owned\x07\u202e[red]"


def members() -> dict[str, bytes]:
    """Those of the shipped model, in which everything is right."""
    return members_of(MODEL_PATH.read_bytes())


def members_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(contents: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return target.getvalue()


def with_member(name: str, content: bytes) -> bytes:
    return archive_of(members() | {name: content})


def with_config(*changes: Change) -> bytes:
    config = json.loads(members()["config.json"])
    for change in changes:
        change(config)
    return with_member("config.json", json.dumps(config).encode())


def with_weights(change: Change) -> bytes:
    stored = io.BytesIO(members()["model.weights.h5"])
    with h5py.File(stored, "r+") as file:
        change(file)
    return with_member("model.weights.h5", stored.getvalue())


def replace_kernel_by(put: Callable[[h5py.Group], object]) -> Change:
    def change(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        put(file["layers/dense/vars"])

    return change


def replace_kernel(kernel: np.ndarray) -> Change:
    return replace_kernel_by(lambda arrays: arrays.__setitem__("0", kernel))


def flipped(content: bytes, place: float = 0.5) -> bytes:
    """The content with one byte turned over."""
    middle = int(len(content) * place)
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def layers_of(config: dict) -> list[dict]:
    return config["config"]["layers"]


def set_layer(index: int, key: str, value: object) -> Change:
    return lambda config: layers_of(config)[index]["config"].__setitem__(key, value)


def set_entry(index: int, **values: object) -> Change:
    return lambda config: layers_of(config)[index].update(values)


def insert(*entries: dict) -> Change:
    """Put layers behind the input, before which everything else comes to be built."""
    return lambda config: layers_of(config).__setitem__(slice(1, 1), deepcopy(list(entries)))


def keras_object(module: str, kind: str, /, **config: object) -> dict[str, Any]:
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def layer(kind: str, /, **config: object) -> dict[str, Any]:
    return keras_object("keras.layers", kind, **{"name": kind.lower(), "trainable": True, "dtype": "float32"} | config)


def function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def _code() -> str:
    """Python that makes the marker, as Keras writes down a lambda."""
    source = f"lambda x: open({MARKER!r}, 'w')"
    return base64.b64encode(marshal.dumps(eval(source).__code__)).decode()


_LAMBDA = {"class_name": "__lambda__", "config": {"value": {"code": _code(), "defaults": None, "closure": None}}}
_GET_FILE = keras_object("keras.utils", "get_file", fname=MARKER, origin="file:///etc/hostname")
_SEQUENTIAL = keras_object("keras", "Sequential", name="inner", layers=[layer("Lambda", function=_LAMBDA)])


def _deep_models(depth: int) -> dict[str, Any]:
    inner: list[dict[str, Any]] = []
    for _ in range(depth):
        inner = [keras_object("keras", "Sequential", name="inner", trainable=True, layers=inner)]
    return inner[0]


# What runs code, or calls or opens what the file names, in Keras or in an earlier version of it.
CALLING = {
    "lambda layer": with_config(insert(layer("Lambda", function=_LAMBDA))),
    "lambda as activation": with_config(set_layer(1, "activation", _LAMBDA)),
    "lambda as initializer": with_config(set_layer(1, "kernel_initializer", _LAMBDA)),
    "lambda in a model inside": with_config(insert(_SEQUENTIAL)),
    "lambda as loss": with_config(lambda config: config.update(compile_config={"loss": _LAMBDA})),
    "function of keras as activation": with_config(set_layer(1, "activation", function("keras.utils", "get_file"))),
    "function of keras as layer": with_config(insert(_GET_FILE)),
    "function of keras as initializer": with_config(set_layer(1, "kernel_initializer", _GET_FILE)),
    "function of keras as regularizer": with_config(set_layer(1, "kernel_regularizer", _GET_FILE)),
    "function of keras as constraint": with_config(set_layer(1, "kernel_constraint", _GET_FILE)),
    "function of keras as dtype": with_config(set_layer(1, "dtype", _GET_FILE)),
    "function of keras as loss": with_config(lambda config: config["compile_config"].update(loss=_GET_FILE)),
    "function of keras in an option": with_config(set_layer(6, "seed", _GET_FILE)),
    "function of keras in a part": with_config(
        set_layer(1, "kernel_initializer", keras_object("keras.initializers", "Constant", value=_GET_FILE))
    ),
    "function of keras as optimizer": with_config(
        lambda config: config["compile_config"].update(optimizer=function("keras.models", "load_model"))
    ),
    "function of python": with_config(set_layer(1, "activation", function("builtins", "eval"))),
    "function of another module": with_config(set_layer(1, "activation", function("os", "system"))),
    "class of another module": with_config(set_entry(1, module="subprocess", class_name="Popen")),
    "class of nobody's": with_config(set_entry(1, module=None, class_name="Conv2D", registered_name="evil>Conv2D")),
    "registered name": with_config(set_entry(1, registered_name="evil>Conv2D")),
    "model of another module": with_config(lambda config: config.update(module="evil")),
    "model of a registered name": with_config(lambda config: config.update(registered_name="Evil>Sequential")),
    "model of a class of its own": with_config(lambda config: config.update(module=None, class_name="MyModel")),
    "saved model inside": with_config(insert(layer("TFSMLayer", filepath="saved", call_endpoint="serve"))),
    "vocabulary in a file": with_config(insert(layer("StringLookup", vocabulary="/etc/passwd"))),
    "torch module": with_config(insert(layer("TorchModuleWrapper", module_bytes="gAR9lC4="))),
    "jax layer": with_config(insert(layer("JaxLayer", call_fn=_LAMBDA))),
    "path as a word": with_config(set_layer(1, "seed", "/etc/passwd")),
    "tensor": with_config(
        set_layer(1, "kernel_initializer", {"class_name": "__tensor__", "config": {"value": [1], "dtype": "float32"}})
    ),
    "type of a tensor": with_config(
        set_layer(1, "dtype", {"class_name": "__typespec__", "spec_name": "system", "module": "os", "config": ["id"]})
    ),
    "legacy entry without a module": with_config(lambda config: layers_of(config)[1].pop("module")),
    "legacy dtype": with_config(set_layer(1, "dtype", {"class_name": "Policy", "config": {"name": "float32"}})),
    "quantized": with_config(set_layer(-1, "quantization_config", {"mode": "int8"})),
    "part that is not known": with_config(
        set_layer(1, "kernel_initializer", keras_object("keras.initializers", "NoSuchThing"))
    ),
    "part with a path": with_config(
        set_layer(1, "kernel_initializer", keras_object("keras.initializers", "Zeros", path="/tmp/x"))
    ),
    "layer as a part": with_config(
        set_layer(
            1, "kernel_initializer", layer("Dense", units=9) | {"build_config": {"input_shape": [None, 100_000_000]}}
        )
    ),
    "option that is not known": with_config(set_layer(1, "unheard_of", 1)),
    "member beside the layers": with_config(lambda config: config["config"].update(unheard_of=1)),
    "key beside the layer": with_config(set_entry(1, unheard_of=1)),
}


def _empty_models(depth: int) -> dict[str, Any]:
    """Models that hold nothing but the model inside them, called four times: 4 ** depth calls in all."""
    inner: list[dict[str, Any]] = []
    for level in range(depth):
        image = _node("input", layer("InputLayer", name="input", batch_shape=[None, 28, 28, 1]))
        calls = [["input", 0, 0, {}], *(["inner", number, 0, {}] for number in range(3))]
        parts = [image, *(_node("inner", part, *([call] for call in calls)) for part in inner)]
        last = ["inner", 3, 0] if inner else ["input", 0, 0]
        ends = {"input_layers": [["input", 0, 0]], "output_layers": [last]}
        inner = [keras_object("keras", "Functional", name=f"level{level}", layers=parts, **ends)]
    return inner[0] | {"name": "inner", "config": inner[0]["config"] | {"name": "inner"}}


def _node(name: str, entry: dict[str, Any], *nodes: object) -> dict[str, Any]:
    return entry | {"name": name, "inbound_nodes": list(nodes), "config": entry["config"] | {"name": name}}


def _many_calls(count: int) -> bytes:
    """A functional model of one layer that is called again and again."""
    image = _node("input", layer("InputLayer", name="input", batch_shape=[None, 28, 28, 1]))
    calls = [[["input", 0, 0, {}]], *([["same", number, 0, {}]] for number in range(count))]
    same = _node("same", layer("Identity", name="same"), *calls)
    ends = {"input_layers": [["input", 0, 0]], "output_layers": [["same", count, 0]]}
    model = keras_object("keras", "Functional", name="model", layers=[image, same], **ends)
    return with_member("config.json", json.dumps(model).encode())


def _unused_layers(count: int) -> bytes:
    """A model that is called again and again, with many layers in it that are not."""
    image = _node("input", layer("InputLayer", name="input", batch_shape=[None, 28, 28, 1]))
    unused = [_node(f"{number}", layer("InputLayer")) for number in range(count)]
    ends = {"input_layers": [["input", 0, 0]], "output_layers": [["input", 0, 0]]}
    inner = keras_object("keras", "Functional", name="inner", layers=[image, *unused], **ends)
    calls = [[["input", 0, 0, {}]], *([["inner", number, 0, {}]] for number in range(150))]
    ends["output_layers"] = [["inner", 150, 0]]
    model = keras_object("keras", "Functional", name="model", layers=[image, _node("inner", inner, *calls)], **ends)
    return with_member("config.json", json.dumps(model).encode())


def _long_texts() -> bytes:
    """A model in HDF5 in which many names are one and the same text, of 100,000 bytes."""
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        file.attrs["model_config"] = members()["config.json"].decode()
        group = file.create_group("model_weights/conv2d")
        group.attrs.create("weight_names", ["x" * 100_000, *(["y"] * 4000)], dtype=h5py.string_dtype())
    content = stored.getvalue()
    # Each name is a length and a place in the heap: let the others have those of the first.
    first = content.index((100_000).to_bytes(4, "little"))
    name = content[first : first + 16]
    return content[: first + 16] + name * 4000 + content[first + 16 * 4001 :]


# What asks for more memory or time than there is.
GREEDY = {
    "too many layers": with_config(lambda config: layers_of(config).extend(layers_of(config)[-1:] * 300)),
    "3,000 layers": with_config(
        lambda config: layers_of(config).extend(layer("Dense", units=10, name=f"d{n}") for n in range(3000))
    ),
    "too many parameters": with_config(set_layer(-1, "units", 10_000_000)),
    "too large an activation": with_config(set_layer(2, "padding", "same"), set_layer(2, "pool_size", [9999, 9999])),
    "padding without end": with_config(insert(layer("ZeroPadding2D", padding=[[50_000, 0], [50_000, 0]]))),
    "upsampling without end": with_config(insert(layer("UpSampling2D", size=[10_000, 10_000]))),
    "upsampling step by step": with_config(
        insert(*(layer("UpSampling2D", size=[4, 4], name=f"u{n}") for n in range(20)))
    ),
    "transposed without end": with_config(
        insert(layer("Conv2DTranspose", filters=1, kernel_size=[3, 3], strides=[100_000, 100_000]))
    ),
    "recurrent without end": with_config(insert(layer("Reshape", target_shape=[784, 1]), layer("LSTM", units=50_000))),
    "built for another input": with_config(set_entry(7, build_config={"input_shape": [None, 100_000_000]})),
    "model built for another input": with_config(
        lambda config: config.update(build_config={"input_shape": [None, 2**20, 2**20, 1]})
    ),
    "input without end": with_config(set_layer(0, "batch_shape", [None, 2**31, 2**31, 1])),
    "units without end": with_config(set_layer(-1, "units", 10**400)),
    "number without end": with_member("config.json", b'{"class_name": ' + b"9" * 100_000 + b"}"),
    "models in models": with_config(insert(_deep_models(100))),
    "config nested deep": with_member("config.json", b"[" * 100_000),
    "objects nested deep": with_member("config.json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    "config of many parts": with_member("config.json", b"[" + b"[]," * 1_300_000 + b"[]]"),
    "config that is a bomb": archive_of(members() | {"config.json": b" " * 2**25}, zipfile.ZIP_DEFLATED),
    "weights that are a bomb": archive_of(members() | {"model.weights.h5": bytes(2**28 + 1)}, zipfile.ZIP_DEFLATED),
    "metadata that is a bomb": archive_of(members() | {"metadata.json": b" " * 2**25}, zipfile.ZIP_DEFLATED),
    "weights of a size that is not there": with_weights(
        replace_kernel_by(lambda arrays: arrays.create_dataset("0", (1 << 40, 10), "f4", chunks=(1024, 10)))
    ),
    "dilated without end": with_config(
        insert(
            layer("Conv2D", name="c", filters=1, kernel_size=[3, 3], padding="same", dilation_rate=[100_000, 100_000])
        )
    ),
    "pooling window by window": with_config(
        insert(
            layer("UpSampling2D", size=[40, 40]),
            layer("MaxPooling2D", pool_size=[100, 100], strides=[1, 1]),
        )
    ),
    "a window of millions": with_config(
        insert(layer("DepthwiseConv2D", kernel_size=[3000, 3000], strides=[28, 28], padding="same"))
    ),
    "groups by the thousand": with_config(
        insert(
            layer("Reshape", target_shape=[1, 1, 784]),
            layer("Conv2D", name="c", filters=196_000, kernel_size=[1, 1], groups=784),
            layer("Conv2D", name="d", filters=196_000, kernel_size=[1, 1], groups=196_000),
        )
    ),
    "steps by the thousand": with_config(
        insert(
            layer("Reshape", target_shape=[784, 1]),
            *(layer("LSTM", name=f"l{n}", units=1, return_sequences=True) for n in range(150)),
        )
    ),
    "sequence without end": with_config(
        insert(
            layer("Flatten", name="flat"),
            layer("Dense", units=1, name="one"),
            layer("Dense", units=3_000_000, name="many"),
            layer("Reshape", target_shape=[3_000_000, 1]),
            layer("LSTM", units=1),
        )
    ),
    "empty models in models": with_config(insert(_empty_models(12))),
    "calls by the thousand": _many_calls(5000),
    "unused layers by the thousand": _unused_layers(20_000),
    "long texts by the thousand": _long_texts(),
    "groups in groups": with_weights(lambda file: file.create_group("/".join("x" * 2000))),
    "compressed zeros in the weights": with_weights(
        lambda file: file.create_dataset("zeros", (1 << 28,), "f4", chunks=(1 << 20,), compression="gzip")
    ),
}


def _hard_link(file: h5py.File) -> None:
    file["layers/dense/again"] = file["layers/dense"]


def _loop(file: h5py.File) -> None:
    file["layers/dense/up"] = file["layers"]


def _virtual(arrays: h5py.Group) -> None:
    layout = h5py.VirtualLayout((1600, 10), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "kernel", (1600, 10))
    arrays.create_virtual_dataset("0", layout)


def _filled(arrays: h5py.Group) -> None:
    arrays.create_dataset("0", (1600, 10), "f4", fillvalue=1)


# Weights that are not what, or not where, the layers need them.
WEIGHTS = {
    "weights are text": with_member("model.weights.h5", b"text"),
    "weights truncated": with_member("model.weights.h5", members()["model.weights.h5"][:20_000]),
    "weights are empty": with_member("model.weights.h5", b""),
    "weights of another shape": with_weights(replace_kernel(np.zeros((1600, 11), np.float32))),
    "weights turned": with_weights(replace_kernel(np.zeros((10, 1600), np.float32))),
    "weights are whole numbers": with_weights(replace_kernel(np.zeros((1600, 10), np.int32))),
    "weights are complex": with_weights(replace_kernel(np.zeros((1600, 10), np.complex64))),
    "weights are texts": with_weights(replace_kernel(np.full((1600, 10), b"x", "S1"))),
    "weights infinite": with_weights(replace_kernel(np.full((1600, 10), np.inf, np.float32))),
    "weights are no numbers": with_weights(replace_kernel(np.full((1600, 10), np.nan, np.float32))),
    "weights too large for float32": with_weights(replace_kernel(np.full((1600, 10), 1e300))),
    "weights missing": with_weights(lambda file: file.__delitem__("layers/dense/vars/0")),
    "weights of a layer missing": with_weights(lambda file: file.__delitem__("layers/conv2d_1")),
    "weights are a group": with_weights(replace_kernel_by(lambda arrays: arrays.create_group("0"))),
    "weights are a type": with_weights(lambda file: file.__setitem__("type", np.dtype("f4"))),
    "weights in another file": with_weights(
        replace_kernel_by(
            lambda arrays: arrays.create_dataset("0", (1600, 10), "f4", external=[(str(MODEL_PATH), 0, 64000)])
        )
    ),
    "weights put together of others": with_weights(replace_kernel_by(_virtual)),
    "weights never written": with_weights(replace_kernel_by(_filled)),
    "weights compressed": with_weights(
        replace_kernel_by(lambda arrays: arrays.create_dataset("0", (1600, 10), "f4", compression="gzip"))
    ),
    "weights behind a link to another file": with_weights(
        replace_kernel_by(lambda arrays: arrays.__setitem__("0", h5py.ExternalLink("other.h5", "/kernel")))
    ),
    "weights behind a link": with_weights(
        replace_kernel_by(lambda arrays: arrays.__setitem__("0", h5py.SoftLink("/layers/conv2d/vars/0")))
    ),
    "link to nowhere": with_weights(lambda file: file.__setitem__("beside", h5py.SoftLink("/nowhere"))),
    "link to another file": with_weights(lambda file: file.__setitem__("beside", h5py.ExternalLink("/etc/hosts", "/"))),
    "two names for one group": with_weights(_hard_link),
    "groups in a circle": with_weights(_loop),
    "an array for dropout": with_weights(
        lambda file: file.__setitem__("layers/dropout/vars/0", np.zeros(1, np.float32))
    ),
    "one array too many": with_weights(lambda file: file.__setitem__("layers/dense/vars/2", np.zeros(10, np.float32))),
    "many groups": with_weights(lambda file: [file.create_group(f"many/{n}") for n in range(6000)]),
}

# Configs of no model.
CONFIGS = {
    "config is empty": with_member("config.json", b""),
    "config is no JSON": with_member("config.json", b"{"),
    "config is not UTF-8": with_member("config.json", b"\xff\xfe{}"),
    "config is a list": with_member("config.json", b"[]"),
    "config is null": with_member("config.json", b"null"),
    "config of nothing": with_member("config.json", b"{}"),
    "config with a NaN": with_config(set_layer(6, "rate", float("nan"))),
    "config with an infinite number": with_member(
        "config.json", members()["config.json"].replace(b'"rate": 0.0', b'"rate": 1e999')
    ),
    "no layers": with_config(lambda config: config["config"].pop("layers")),
    "layers are null": with_config(lambda config: config["config"].update(layers=None)),
    "layers are numbers": with_config(lambda config: config["config"].update(layers=[1, 2])),
    "only an input": with_config(lambda config: layers_of(config).__delitem__(slice(1, None))),
    "two inputs": with_config(lambda config: layers_of(config).insert(1, deepcopy(layers_of(config)[0]))),
    "input of text": with_config(set_layer(0, "batch_shape", ["x", 28, 28, 1])),
    "input of no size": with_config(set_layer(0, "batch_shape", [None, None, None, 1])),
    "input that is sparse": with_config(set_layer(0, "sparse", True)),
    "never built": with_config(
        lambda config: layers_of(config).__delitem__(0), lambda config: config["config"].pop("build_input_shape")
    ),
    "negative filters": with_config(set_layer(1, "filters", -1)),
    "filters are text": with_config(set_layer(1, "filters", "32")),
    "filters are true": with_config(set_layer(1, "filters", True)),
    "filters are missing": with_config(lambda config: layers_of(config)[1]["config"].pop("filters")),
    "rate above 1": with_config(set_layer(6, "rate", 1.5)),
    "name with a slash": with_config(set_layer(1, "name", "a/b")),
    "name used twice": with_config(set_layer(1, "name", "dense")),
    "name is missing": with_config(lambda config: layers_of(config)[1]["config"].pop("name")),
    "padding unheard of": with_config(set_layer(1, "padding", "causal")),
    "strides of three": with_config(set_layer(1, "strides", [1, 1, 1])),
    "strides of zero": with_config(set_layer(1, "strides", [0, 0])),
    "activation unheard of": with_config(set_layer(1, "activation", "get_file")),
    "activation in colour": with_config(set_layer(1, "activation", _ESCAPES)),
    "kind in colour": with_config(set_entry(1, class_name=_ESCAPES)),
    "option in colour": with_config(set_layer(1, _ESCAPES, 1)),
}


def _twice() -> bytes:
    target = io.BytesIO(archive_of(members()))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("config2json", b"{}")
    return target.getvalue().replace(b"config2json", b"config.json")


def _name_cut_by_zipfile() -> bytes:
    """A member that zipfile takes for config.json, and that other readers find under another name."""
    contents = members()
    contents["config.json_txt"] = contents.pop("config.json")
    return archive_of(contents).replace(b"config.json_txt", b"config.json\0txt")


def _declared_smaller() -> bytes:
    """The directory tells of fewer bytes of config.json than are there."""
    content = bytearray(archive_of(members(), zipfile.ZIP_DEFLATED))
    entry = content.rindex(b"config.json") - 46
    (size,) = struct.unpack_from("<I", content, entry + 24)
    struct.pack_into("<I", content, entry + 24, size // 2)
    return bytes(content)


def _encrypted() -> bytes:
    content = bytearray(archive_of(members()))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.index(signature)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(signature, place + 4)
    return bytes(content)


def _far_away() -> bytes:
    """A model in HDF5 that says that it has something at a place no file can reach."""
    content = members()["model.weights.h5"]
    return content[:48] + b"\x80" * 8 + content[56:]


# Archives that are none, or not what Keras writes.
ARCHIVES = {
    "empty": b"",
    "text": b"this is text\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "an HDF5 model": members()["model.weights.h5"],
    "an HDF5 file with a place far away": _far_away(),
    "an empty archive": archive_of({}),
    "truncated": MODEL_PATH.read_bytes()[:50_000],
    "cut at the end": MODEL_PATH.read_bytes()[:-30],
    "its end only": MODEL_PATH.read_bytes()[-500:],
    "a byte flipped": flipped(MODEL_PATH.read_bytes()),
    "no config": archive_of({name: content for name, content in members().items() if name != "config.json"}),
    "no weights": archive_of({name: content for name, content in members().items() if name != "model.weights.h5"}),
    "no metadata": archive_of({name: content for name, content in members().items() if name != "metadata.json"}),
    "metadata is no JSON": with_member("metadata.json", b"{"),
    "a member too many": with_member("assets/vocabulary.txt", b"x"),
    "a member outside": with_member(f"../{MARKER}", b"x"),
    "a member at the root": with_member(f"/tmp/{MARKER}", b"x"),
    "a folder": with_member("assets/", b""),
    "a member in capitals": archive_of({name.upper(): content for name, content in members().items()}),
    "a member twice": _twice(),
    "a name with a NUL byte": _name_cut_by_zipfile(),
    "fewer bytes declared than there are": _declared_smaller(),
    "encrypted": _encrypted(),
    "compressed by lzma": archive_of(members(), zipfile.ZIP_LZMA),
    "compressed by lzma and flipped": flipped(archive_of(members(), zipfile.ZIP_LZMA)),
    "compressed by bzip2": archive_of(members(), zipfile.ZIP_BZIP2),
}

# Those of the above whose oddities stand where nothing is looked at, for no answer depends on it: they answer as the
# shipped model does.
_UNSEEN = (
    "lambda as initializer",
    "lambda as loss",
    "function of keras as initializer",
    "function of keras as regularizer",
    "function of keras as constraint",
    "function of keras as dtype",
    "function of keras as loss",
    "function of keras in an option",
    "function of keras in a part",
    "function of keras as optimizer",
    "path as a word",
    "tensor",
    "type of a tensor",
    "legacy entry without a module",
    "legacy dtype",
    "quantized",
    "part that is not known",
    "part with a path",
    "layer as a part",
    "option that is not known",
    "member beside the layers",
    "key beside the layer",
    "built for another input",
    "model built for another input",
    "input of no size",
    "input that is sparse",
    "rate above 1",
    "name with a slash",
    "option in colour",
)

_ALL: dict[str, bytes] = {**CALLING, **GREEDY, **WEIGHTS, **CONFIGS, **ARCHIVES}
HARMLESS = {name: _ALL[name] for name in _UNSEEN}
MODELS = {name: content for name, content in _ALL.items() if name not in HARMLESS}
