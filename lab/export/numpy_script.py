"""The experiment as a script that needs only NumPy. Its formulas are copied from the engine."""

from __future__ import annotations

from engine import ACTIVATIONS
from engine.formulas.losses import LOSSES, OUTPUTS
from lab.export.common import ExportError, Plan, Text, data_lines, generator_lines, shown

ADAM = """\
    m[:] = 0.9 * m + (1 - 0.9) * g
    v[:] = 0.999 * v + (1 - 0.999) * (g * g)
    p -= rate * root / (1 - 0.9**steps) * m / (np.sqrt(v) + 1e-8 * root)
"""
COUNT = "steps += 1\nroot = (1 - 0.999**steps) ** 0.5\n"
STEPS = {  # optimizer -> slots, lines before the loop over parameters p and gradients g, lines in the loop
    "sgd": ("", "", "    p -= rate * g\n"),
    "momentum": ("v", "", "    v[:] = 0.9 * v + g\n    p -= rate * v\n"),
    "nesterov": ("v", "", "    v[:] = 0.9 * v + g\n    p -= rate * (g + 0.9 * v)\n"),
    "adagrad": ("s", "", "    s += g * g\n    p -= rate * g / (np.sqrt(s) + 1e-10)\n"),
    "rmsprop": (
        "s", "", "    s[:] = 0.99 * s + (1 - 0.99) * (g * g)\n    p -= rate * g / (np.sqrt(s) + 1e-8)\n"),
    "adam": ("mv", COUNT, ADAM),
    "adamw": ("mv", "for w in W:\n    w -= rate * {decay} * w\n" + COUNT, ADAM),
}  # fmt: skip
NORMALIZE = '''
gamma, beta = [np.ones(o, dtype) for o in sizes[1:-1]], [np.zeros(o, dtype) for o in sizes[1:-1]]
means, variances = [np.zeros_like(w) for w in beta], [np.ones_like(w) for w in beta]
dgamma, dbeta, normals = list(gamma), list(beta), list(beta)


def normalize(k, x, train):
    """Batch normalization after layer k."""
    if not train:
        return (x - means[k]) * (gamma[k] / np.sqrt(variances[k] + 1e-5)) + beta[k]
    n, m = len(x), x.sum(axis=0) * (1 / len(x))
    centered = x - m
    v = (centered * centered).sum(axis=0) * (1 / n)
    means[k] += 0.1 * (m - means[k])
    variances[k] += 0.1 * (v * (n / (n - 1)) - variances[k])
    scale = 1 / np.sqrt(v + 1e-5)
    normals[k] = centered * scale, scale
    return normals[k][0] * gamma[k] + beta[k]


def normalize_back(k, dy):
    normal, scale = normals[k]
    dgamma[k], dbeta[k] = (dy * normal).sum(axis=0), dy.sum(axis=0)
    return (dy - (dbeta[k] + normal * dgamma[k]) * (1 / len(dy))) * (scale * gamma[k])

'''
SHARE = (
    "    t, share = t[:, :-2], t[:, -2:-1] / t[:, -1].sum()  # weights of a sample: in the sum, and in its divisor\n"
)


def numpy_script(plan: Plan) -> str:
    """The script. Raises ExportError for what it does not cover."""
    e = plan.experiment
    if e.conv:
        raise ExportError("The NumPy script covers dense networks only; for filters use the PyTorch code or ONNX.")
    text = Text(plan, "NumPy", "train_numpy.py", "import numpy as np")
    layers = f"\ndtype, sizes, functions = np.{e.dtype}, {list(plan.architecture.sizes)}, {_functions(text)}\n"
    if skips := _skips(plan):
        layers += f"skips = {skips}  # numbers of the hidden layers, from 0, that add their inputs to their outputs\n"
    weights = f"""\
W = [{text.draw}(for_weights, shape, *shape).astype(dtype) for shape in zip(sizes, sizes[1:])]
b = [np.zeros(o, dtype) for o in sizes[1:]]
dW, db = list(W), list(b)  # their gradients
"""
    loss, slope = _objective(text)
    return text.joined(
        layers,
        data_lines(plan),
        generator_lines(e) + weights,
        NORMALIZE if e.batch_norm else "",
        _passes(plan),
        loss,
        _training(text, slope),
        text.predictions("forward(x)[0]"),
    )


def _functions(text: Text) -> str:
    """(forward, backward) of each hidden layer."""
    names = (block.activation for block in text.plan.architecture.dense)
    rows = [ACTIVATIONS[name] for name in names if name]
    pairs = [f"({text.lift.name_of(row.forward)}, {text.lift.name_of(row.backward)})" for row in rows]
    alike = len(pairs) > 1 and len(set(pairs)) == 1
    return f"[{pairs[0]}] * {len(pairs)}" if alike else f"[{', '.join(pairs)}]"


def _skips(plan: Plan) -> set[int]:
    """Numbers of the hidden layers with a skip connection, from 0."""
    return {k for k, block in enumerate(plan.architecture.dense) if block.find("residual")}


def _passes(plan: Plan) -> str:
    e = plan.experiment
    train = ", train=False" if e.dropout or e.batch_norm else ""  # training differs from evaluation
    normal = "        z = normalize(k, z, train)\n" if e.batch_norm else ""
    back = "            dz = normalize_back(k - 1, dz)\n" if e.batch_norm else ""
    mask, times = (", mask", " * mask") if e.dropout else ("", "")
    noise = f"(for_dropout.random(a.shape[::-1], dtype).T >= {e.dropout!r}) * dtype(1 / (1 - {e.dropout!r}))"
    drawn = f"        mask = {noise} if train else 1\n" if e.dropout else ""
    y, dx, paths = f"a{times}", "dz @ W[k].T", ""
    if _skips(plan):
        y, paths = f"x + {y} if k in skips else {y}", f"            dx = dx + {dx} if k in skips else {dx}\n"
        dx = "dx"
    return f'''
def forward(x{train}):
    """(N, I) inputs -> (N, O) logits, and the values of each layer that backward needs"""
    keep = []
    for k, (f, _) in enumerate(functions):
        z = x @ W[k] + b[k]
{normal}        a = f(z)
{drawn}        keep.append((x, z, a{mask}))
        x = {y}
    return x @ W[-1] + b[-1], [*keep, (x,)]


def backward(dz, keep):
    """dL/dz (N, O) of the logits -> dL/dW and dL/db of every layer"""
    for k in reversed(range(len(W))):
        dW[k], db[k] = keep[k][0].T @ dz, dz.sum(axis=0)
        if k:
            _, z, a{mask} = keep[k - 1]
{paths}            dz = functions[k - 1][1]({dx}{times}, z, a)
{back}'''


def _objective(text: Text) -> tuple[str, str]:
    """Code of the loss (and of its gradient function if needed), and an expression of the gradient for a batch."""
    e, lift, weighted = text.plan.experiment, text.lift, text.plan.weighted
    loss, output = LOSSES[e.loss_name], OUTPUTS[e.output_name]
    value, gradient = lift.name_of(loss.value), lift.name_of(loss.gradient)
    y = "{}" if loss.on_logits else f"{lift.name_of(output.forward)}({{}})"
    each = f"{value}({y.format('forward(x)[0]')}, t)"
    mean = f"({each} * share).sum()" if weighted else f"{each}.mean()"
    text_of_loss = f"\ndef loss(x, t):\n{SHARE if weighted else ''}    return {mean}\n"
    if loss.on_logits and not weighted:
        return text_of_loss, f"{gradient}(z, t_train[batch], 1 / len(batch))"
    share = "share" if weighted else "1 / len(t)"
    back = f"    return {gradient}(z, t, {share})\n"
    if not loss.on_logits:
        back = f"    y = {y.format('z')}\n    return {lift.name_of(output.backward)}({gradient}(y, t, {share}), z, y)\n"
    return f"{text_of_loss}\n\ndef slope(z, t):\n{SHARE if weighted else ''}{back}", "slope(z, t_train[batch])"


def _training(text: Text, slope: str) -> str:
    e = text.plan.experiment
    slots, before, change = STEPS[e.optimizer]
    train = ", train=True" if e.dropout or e.batch_norm else ""
    parameters, gradients = (
        ("[*W, *b, *gamma, *beta]", "[*dW, *db, *dgamma, *dbeta]") if e.batch_norm else ("[*W, *b]", "[*dW, *db]")
    )
    lines = [] if e.schedule == "constant" else [f"rate = {_rounded(text, text.rate)}\n"]
    lines.append(f"z, keep = forward(x_train[batch]{train})\nbackward({slope}, keep)\n")
    if e.l1 or e.l2:
        lines.append("for k, w in enumerate(W):\n")
        lines.append(f"    dW[k] += dtype({e.l1!r}) * np.sign(w)\n" if e.l1 else "")
        lines.append(f"    dW[k] += dtype({e.l2!r}) * w\n" if e.l2 else "")
    if e.clip_value:
        lines.append(f"for g in {gradients}:\n    np.clip(g, -{e.clip_value!r}, {e.clip_value!r}, g)\n")
    if e.clip_norm:
        lines.append(f"norm = sum(np.sum(g * g) for g in {gradients}) ** 0.5\n")
        lines.append(f"for g in {gradients}:\n    g *= {e.clip_norm!r} / max(norm, {e.clip_norm!r})\n")
    lines.append(before.format(decay=_rounded(text, repr(e.weight_decay))))
    names = ", ".join(("p", "g", *slots))
    lines.append(f"for {names} in zip({parameters}, {gradients}{', *slots' if slots else ''}):\n{change}")
    if e.max_norm:
        lines.append("for w in W:  # no unit's weights are longer than this\n")
        lines.append("    norms = np.sqrt((w * w).sum(axis=0, keepdims=True))\n")
        lines.append(f"    w *= dtype({e.max_norm!r}) / np.maximum(norms, dtype({e.max_norm!r}))\n")
    counter, zero = (", steps", ", 0") if "steps" in before else ("", "")
    begin = f"rate, size{counter} = {_rounded(text, repr(e.learning_rate))}, {text.plan.batch_size}{zero}\n"
    if slots:
        begin += f"slots = [[np.zeros_like(p) for p in {parameters}] for _ in {slots!r}]\n"
    end = f"train, test = loss({shown('x_train')}, {shown('t_train')}), loss(x_test, t_test)\n"
    return f"\n{begin}{text.loop(''.join(lines), end)}"


def _rounded(text: Text, number: str) -> str:
    """A number, rounded as in the engine if the script computes with it before multiplying arrays."""
    e = text.plan.experiment
    return f"float(dtype({number}))" if e.dtype == "float32" and e.optimizer in ("adam", "adamw") else number
