"""The experiment as PyTorch code, with the same network, initial weights and batches."""

from __future__ import annotations

import textwrap

from lab.experiment.architecture import LayerSpec
from lab.experiment.experiment import Experiment
from lab.export.common import ExportError, Plan, Text, data_lines, generator_lines, shown

MODULES = {
    "relu": "nn.ReLU()", "leaky_relu": "nn.LeakyReLU(0.01)", "elu": "nn.ELU()", "selu": "nn.SELU()",
    "gelu": 'nn.GELU("tanh")', "swish": "nn.SiLU()", "softplus": "nn.Softplus()", "tanh": "nn.Tanh()",
    "sigmoid": "nn.Sigmoid()", "linear": "nn.Identity()", "step": "Step()", "sine": "Sine()",
}  # fmt: skip
OWN = {
    "step": '''
class Step(nn.Module):
    """On or off; learns with the slope of the sigmoid."""

    def forward(self, z):
        soft = torch.sigmoid(z)
        return (z > 0).to(z.dtype) + soft - soft.detach()

''',
    "sine": """
class Sine(nn.Module):
    def forward(self, z):
        return torch.sin(z)

""",
}
MAPS = '''
class Rows(nn.Module):
    """Maps (N, C, H, W) -> (N, H C W), the order of the playground."""

    def forward(self, x):
        return x.permute(0, 2, 1, 3).flatten(1)

'''
RESIDUAL = """
class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)

"""
OUTPUTS = {"sigmoid": "torch.sigmoid(z)", "softmax": "torch.softmax(z, 1)", "tanh": "torch.tanh(z)", "linear": "z"}
LOSSES = {  # (N,) loss of each sample, from y and t, or from the logits z
    "mse": "((y - t) ** 2).mean(1)",
    "mae": "(y - t).abs().mean(1)",
    "huber": 'nn.functional.huber_loss(y, t, reduction="none").mean(1)',
    "binary_crossentropy": 'nn.functional.binary_cross_entropy_with_logits(z, t, reduction="none").mean(1)',
    "categorical_crossentropy": "-(t * torch.log_softmax(z, 1)).sum(1)",
    "hinge": "torch.relu(1 - t * y).mean(1)",
}
OPTIMIZERS = {
    "sgd": "SGD(model.parameters(), {rate})",
    "momentum": "SGD(model.parameters(), {rate}, momentum=0.9)",
    "nesterov": "SGD(model.parameters(), {rate}, momentum=0.9, nesterov=True)",
    "adagrad": "Adagrad(model.parameters(), {rate})",
    "rmsprop": "RMSprop(model.parameters(), {rate})",
    "adam": "Adam(model.parameters(), {rate})",
    "adamw": "AdamW([{{'params': weights}}, {{'params': others, 'weight_decay': 0.0}}], {rate}, weight_decay={decay})",
}


def pytorch_script(plan: Plan) -> str:
    e = plan.experiment
    imports = "import numpy as np\nimport torch\nfrom torch import nn"
    text = Text(plan, "PyTorch", "train_pytorch.py", imports)
    modules = "".join(f"{_module(spec)},\n" for spec in plan.architecture.layers)
    return text.joined(
        *(OWN[name] for name in OWN if name in plan.used_activations),
        MAPS if e.conv else "",
        RESIDUAL if any(spec.kind == "residual" for spec in plan.architecture.layers) else "",
        f"\ndtype = np.{e.dtype}\ntorch.set_default_dtype(torch.{e.dtype})\ntorch.manual_seed({e.seed})",
        data_lines(plan)
        + "x_train, t_train, x_test, t_test = map(torch.from_numpy, (x_train, t_train, x_test, t_test))",
        generator_lines(e),
        f"model = nn.Sequential(\n{textwrap.indent(modules, '    ')})",
        _first_weights(plan, text.draw),
        text.loss("torch", LOSSES[e.loss_name], OUTPUTS[e.output_name]),
        _training(text),
        text.predictions("model.eval()(torch.from_numpy(x)).detach().numpy()"),
    )


def _module(spec: LayerSpec) -> str:
    """The module of PyTorch that is equivalent to one of our layers."""
    settings = spec.settings
    match spec.kind:
        case "image":
            return f"nn.Unflatten(1, {(settings['channels'], settings['height'], settings['width'])})"
        case "conv":
            return f"nn.Conv2d({spec.input_shape[1]}, {settings['filters']}, 3)"
        case "max_pool":
            return "nn.MaxPool2d(2)"
        case "flatten":
            return "Rows()"
        case "dense":
            return f"nn.Linear({spec.input_shape[0]}, {settings['units']})"
        case "batch_norm":
            return f"nn.BatchNorm1d({spec.input_shape[0]})"
        case "activation":
            return MODULES[settings["name"]]
        case "dropout":
            return f"nn.Dropout({settings['rate']!r})"
        case "residual":
            return f"Residual({', '.join(map(_module, spec.layers))})"
    raise ExportError(f"The PyTorch code does not cover layers of the kind {spec.kind}.")


def _first_weights(plan: Plan, draw: str) -> str:
    conv = f"""        elif isinstance(layer, nn.Conv2d):
            i, o = layer.in_channels, layer.out_channels
            drawn = {draw}(for_weights, (3, 3, i, o), 9 * i, 9 * o)
            layer.weight.copy_(torch.from_numpy(drawn.transpose(3, 2, 0, 1)))
            layer.bias.zero_()
"""
    return f"""
with torch.no_grad():  # the same initial weights as in the playground
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            i, o = layer.in_features, layer.out_features
            layer.weight.copy_(torch.from_numpy({draw}(for_weights, (i, o), i, o).T))
            layer.bias.zero_()
{conv if plan.experiment.conv else ""}kinds = nn.Linear | nn.Conv2d
weights = [layer.weight for layer in model.modules() if isinstance(layer, kinds)]
others = [p for p in model.parameters() if all(p is not weight for weight in weights)]
"""


def _penalty(e: Experiment) -> str:
    terms = []
    if e.l1:
        terms.append(f"{e.l1!r} * w.abs().sum()")
    if e.l2:
        terms.append(f"{e.l2 / 2!r} * (w * w).sum()")
    return f" + sum({' + '.join(terms)} for w in weights)" if terms else ""


def _training(text: Text) -> str:
    e = text.plan.experiment
    optimizer = OPTIMIZERS[e.optimizer].format(rate=repr(e.learning_rate), decay=repr(e.weight_decay))
    lines = []
    if e.schedule != "constant":
        lines.append(f"for group in optimizer.param_groups:\n    group['lr'] = {text.rate}")
    lines.append("picked = torch.from_numpy(batch)")
    lines.append(f"value = loss(model(x_train[picked]), t_train[picked]){_penalty(e)}")
    lines.append("optimizer.zero_grad()\nvalue.backward()")
    if e.clip_value:
        lines.append(f"nn.utils.clip_grad_value_(model.parameters(), {e.clip_value!r})")
    if e.clip_norm:
        lines.append(f"nn.utils.clip_grad_norm_(model.parameters(), {e.clip_norm!r})")
    lines.append("optimizer.step()")
    if e.max_norm:
        lines.append("with torch.no_grad():\n    for w in weights:  # no unit's weights are longer than this")
        lines.append("        norms = w.flatten(1).norm(dim=1).reshape(-1, *[1] * (w.ndim - 1))")
        lines.append(f"        w *= {e.max_norm!r} / norms.clamp(min={e.max_norm!r})")
    end = f"""\
model.eval()
with torch.no_grad():
    train, test = loss(model({shown("x_train")}), {shown("t_train")}), loss(model(x_test), t_test)
model.train()
"""
    loop = text.loop("\n".join(lines) + "\n", end)
    return f"\noptimizer, size = torch.optim.{optimizer}, {text.plan.batch_size}\n{loop}"
