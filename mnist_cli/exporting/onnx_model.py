"""The ONNX file of a model, written from its network without a converter.

Operator set 17 and IR version 8 are of 2022, so that the runtimes of the years since can read them.
"""

from collections.abc import Mapping

import onnx
from onnx import TensorProto, helper

import mnist_cli.exporting.onnx_recurrent
import mnist_cli.exporting.onnx_windows  # noqa: F401  both register their layers
from mnist_cli import __version__
from mnist_cli.arrays import CLASSES
from mnist_cli.errors import ExportError
from mnist_cli.exporting.network import exported_network
from mnist_cli.exporting.onnx_graph import Graph, to_channels_first, to_channels_last
from mnist_cli.exporting.onnx_layers import Call, add_layer, arranged
from mnist_cli.model.engine import Engine
from mnist_cli.model.layers.base import Weights
from mnist_cli.model.network import IMAGE_SHAPE, INPUT, Stage, is_channels_first

OPSET, IR_VERSION = 17, 8


def onnx_content(engine: Engine, takes_bytes: bool, metadata: Mapping[str, str]) -> bytes:
    """The content of an `.onnx` file. Raises `ExportError` for a layer that ONNX can't express.

    It takes `image`, shape (n, 28, 28, 1), float32 from 0 to 1 or, if it `takes_bytes`, uint8, and gives
    `probabilities`, float32, shape (n, 10): those of the engine, without the temperature, which is in the metadata.
    """
    graph = Graph()
    image = "image"
    if takes_bytes:
        image = graph.add("Div", graph.add("Cast", image, to=TensorProto.FLOAT), 255.0)
    result = _add_network(graph, engine, image)
    kind = TensorProto.UINT8 if takes_bytes else TensorProto.FLOAT
    proto = graph.proto(
        helper.make_tensor_value_info("image", kind, ["n", *IMAGE_SHAPE]),
        result,
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", CLASSES]),
    )
    model = helper.make_model(
        proto,
        producer_name="mnistcli",
        producer_version=__version__,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def _add_network(graph: Graph, engine: Engine, image: str) -> str:
    """Add the nodes of all stages of the exported network; the output of the last one. Raises `ExportError`."""
    network, weights = exported_network(engine, sigmoids_as_logits=True)
    values = {INPUT: image}
    arrays: dict[int, Weights] = {}  # by the first use of each layer
    for stage in network.stages:
        layer, kind = stage.layer, type(stage.layer).__name__
        graph.label = f"{kind}_{stage.index}"
        if stage.is_first_use:
            arrays[stage.index] = arranged(layer, weights[stage.index], stage.layer_shapes[0])
        inputs = [values[source] for source in stage.sources]
        try:
            values[stage.index] = _add_stage(graph, stage, inputs, arrays[stage.first_use])
        except NotImplementedError as reason:
            what = f"its layer {layer.name} ({kind}){reason}"
            raise ExportError(f"{engine.model.path}: ONNX has no form of {what}") from reason
    return values[network.stages[-1].index]


def _add_stage(graph: Graph, stage: Stage, inputs: list[str], arrays: Weights) -> str:
    """Add the nodes of a stage; its output. Raises `NotImplementedError` as `add_layer` does."""
    shapes = stage.layer_shapes
    if not is_channels_first(stage.layer):
        return add_layer(stage.layer, Call(graph, inputs, shapes, arrays))
    axes = len(shapes[0]) + 1
    inputs = [graph.transpose(x, to_channels_last(axes)) for x in inputs]
    y = add_layer(stage.layer, Call(graph, inputs, shapes, arrays))
    has_channels = len(stage.output_shape) == len(shapes[0])  # not after Flatten
    return graph.transpose(y, to_channels_first(axes)) if has_channels else y
