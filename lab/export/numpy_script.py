"""The experiment as one NumPy script that needs nothing of ours. Formulas are lifted from the engine word for word."""

from __future__ import annotations

from engine import ACTIVATIONS, INITIALIZERS
from engine.losses import LOSSES, OUTPUTS
from lab.export.common import ExportError, Plan, data_lines, generator_lines, opening, shown
from lab.export.lift import Lifted

ADAM = """\
root = (1 - 0.999**steps) ** 0.5
corrected, epsilon = dtype(float(rate) * root / (1 - 0.9**steps)), dtype(1e-8 * root)
m *= 0.9
m += (1 - 0.9) * g
v *= 0.999
v += (1 - 0.999) * (g * g)
p -= corrected * m / (np.sqrt(v) + epsilon)
"""
STEPS = {  # optimiser: slots, lines
    "sgd": ((), "p -= rate * g\n"),
    "momentum": (("v",), "v *= 0.9\nv += g\np -= rate * v\n"),
    "nesterov": (("v",), "v *= 0.9\nv += g\np -= rate * (g + 0.9 * v)\n"),
    "adagrad": (("s",), "s += g * g\np -= rate * g / (np.sqrt(s) + 1e-10)\n"),
    "rmsprop": (("s",), "s *= 0.99\ns += (1 - 0.99) * (g * g)\np -= rate * g / (np.sqrt(s) + 1e-8)\n"),
    "adam": (("m", "v"), ADAM),
    "adamw": (("m", "v"), "p -= dtype(float(rate) * float(dtype({decay}))) * decays * p\n" + ADAM),
}
NORMALISE = '''
def normalise(k, x, train):
    """Batch normalisation after layer k."""
    if not train:
        return (x - means[k]) * (gamma[k] / np.sqrt(variances[k] + 1e-5)) + beta[k]
    n, m = len(x), x.sum(axis=0) * (1 / len(x))
    centred = x - m
    v = (centred * centred).sum(axis=0) * (1 / n)
    means[k] += 0.1 * (m - means[k])
    variances[k] += 0.1 * (v * (n / max(n - 1, 1)) - variances[k])
    scale = 1 / np.sqrt(v + 1e-5)
    normals[k] = centred * scale, scale
    return normals[k][0] * gamma[k] + beta[k]


def normalise_back(k, dy):
    normal, scale = normals[k]
    dgamma[k][:], dbeta[k][:] = (dy * normal).sum(axis=0), dy.sum(axis=0)
    return (dy - (dbeta[k] + normal * dgamma[k]) * (1 / len(dy))) * (scale * gamma[k])

'''


def numpy_script(plan: Plan) -> str:
    """Raises ExportError for what it does not cover."""
    e = plan.experiment
    if e.conv:
        raise ExportError("The NumPy script covers dense networks only; for filters take the PyTorch code or ONNX.")
    lift = Lifted()
    pairs = [(ACTIVATIONS[name].forward, ACTIVATIONS[name].backward) for name in e.activation_names]
    functions = ", ".join(f"({lift.name_of(f)}, {lift.name_of(back)})" for f, back in pairs)
    draw = lift.name_of(INITIALIZERS[e.initializer].draw)
    objective = _objective(plan, lift)
    train = _training(plan, lift)
    settings = [
        f"dtype, rate = np.{e.dtype}, np.{e.dtype}({e.learning_rate!r})",
        f"sizes, functions = {list(plan.sizes)}, [{functions}]",
    ]
    what = "The network of this experiment in NumPy alone"
    parts = [
        opening(plan, what, "train_numpy.py"),
        f"{lift.imports}from pathlib import Path\n\nimport numpy as np\n\n",
        lift.text + "\n\n",
        "\n".join(settings) + "\n",
        data_lines(plan),
        generator_lines(e),
        _parameters(plan, draw),
        NORMALISE if e.batch_norm else "",
        _passes(plan),
        objective,
        train,
    ]
    return "\n".join(part for part in parts if part)


def _parameters(plan: Plan, draw: str) -> str:
    e, slots = plan.experiment, STEPS[plan.experiment.optimizer][0]
    normal = (
        "    for o in sizes[1:-1]:  # of batch normalisation\n"
        "        found[2].append(flat[start : start + o])\n"
        "        found[3].append(flat[start + o : start + 2 * o])\n"
        "        start += 2 * o\n"
    )
    size = "sum((i + 1) * o for i, o in zip(sizes, sizes[1:]))" + (" + 2 * sum(sizes[1:-1])" if e.batch_norm else "")
    names = ("W, b, gamma, beta", "dW, db, dgamma, dbeta") if e.batch_norm else ("W, b", "dW, db")
    lines = f'''
def parts(flat):
    """W (I, O) and b (O,) of every layer, as views of one flat array."""
    found, start = ([], []{", [], []" if e.batch_norm else ""}), 0
    for i, o in zip(sizes, sizes[1:]):
        found[0].append(flat[start : start + i * o].reshape(i, o))
        found[1].append(flat[start + i * o : start + (i + 1) * o])
        start += (i + 1) * o
{normal if e.batch_norm else ""}    return found


count = {size}
p, g{"".join(f", {slot}" for slot in slots)} = (np.zeros(count, dtype) for _ in range({2 + len(slots)}))
({names[0]}), ({names[1]}) = parts(p), parts(g)
for w in W:
    w[:] = {draw}(for_weights, w.shape, *w.shape)
'''
    if e.optimizer == "adamw":
        lines += (
            "decays = np.zeros(count, dtype)  # 1 for weights, 0 for biases\nfor w in parts(decays)[0]:\n    w[:] = 1\n"
        )
    if e.batch_norm:
        lines += (
            "for w in gamma:\n    w[:] = 1\n"
            "means, variances = [np.zeros_like(w) for w in beta], [np.ones_like(w) for w in beta]\nnormals = {}\n"
        )
    return lines + "keep = {}  # what the way back needs of each layer\n"


def _passes(plan: Plan) -> str:
    e = plan.experiment
    normal = "        z = normalise(k, z, train)\n" if e.batch_norm else ""
    mask = (
        "        if train:\n"
        "            noise = for_dropout.random(a.shape[::-1], dtype).T\n"
        f"            keep[k] = (*keep[k], (noise >= {e.dropout!r}) * dtype(1 / (1 - {e.dropout!r})))\n"
        "            x = a * keep[k][3]\n"
    )
    return f'''
def forward(x, train=False):
    """(N, I) inputs -> (N, O) logits"""
    for k, (f, _) in enumerate(functions):
        z = x @ W[k] + b[k]
{normal}        a = f(z)
        if train:
            keep[k] = x, z, a
        x = a
{mask if e.dropout else ""}    if train:
        keep[len(functions)] = (x,)
    return x @ W[-1] + b[-1]


def backward(dz):
    """dL/dz (N, O) -> fills the gradients g"""
    for k in reversed(range(len(W))):
        np.matmul(keep[k][0].T, dz, out=dW[k])
        dz.sum(axis=0, out=db[k])
        if k:
            da = dz @ W[k].T{" * keep[k - 1][3]" if e.dropout else ""}
            dz = functions[k - 1][1](da, keep[k - 1][1], keep[k - 1][2])
{"            dz = normalise_back(k - 1, dz)" + chr(10) if e.batch_norm else ""}'''


def _objective(plan: Plan, lift: Lifted) -> str:
    e = plan.experiment
    loss, output = LOSSES[e.loss_name], OUTPUTS[e.output_name]
    value, gradient = lift.name_of(loss.value), lift.name_of(loss.gradient)
    split = "    t, share = t[:, :-1], t[:, -1:] / t[:, -1:].sum()  # the last column is the weight of a sample\n"
    share = "share" if plan.weighted else "(1 / len(t))"
    bare = "share" if plan.weighted else "1 / len(t)"
    split = split if plan.weighted else ""
    if loss.on_logits:
        body, back = f"({value}(z, t) * {share}).sum()", f"    return {gradient}(z, t, {bare})\n"
    else:
        forward, backward = lift.name_of(output.forward), lift.name_of(output.backward)
        body = f"({value}({forward}(z), t) * {share}).sum()"
        back = f"    y = {forward}(z)\n    return {backward}({gradient}(y, t, {bare}), z, y)\n"
    return f"""
def loss(z, t):
{split}    return {body}


def loss_back(z, t):
{split}{back}"""


def _training(plan: Plan, lift: Lifted) -> str:
    e = plan.experiment
    size = min(e.batch_size or plan.batches, plan.batches)
    order = "for_batches.permutation(len(x_train))" if size < plan.batches else "np.arange(len(x_train))"
    lines = []
    if not plan.fixed_rate:
        factor, span = lift.name_of(plan.schedule), e.settings().schedule_span
        moment = f"epoch - 1 + start / len(x_train), {span!r}"
        lines.append(f"rate = dtype({e.learning_rate!r} * {factor}({moment}))\n")
    lines.append("batch = order[start : start + size]\n")
    lines.append("backward(loss_back(forward(x_train[batch], train=True), t_train[batch]))\n")
    if e.l1 or e.l2:
        lines.append("for k in range(len(W)):\n")
        lines.append(f"    dW[k][:] += dtype({e.l1!r}) * np.sign(W[k])\n" if e.l1 else "")
        lines.append(f"    dW[k][:] += dtype({e.l2!r}) * W[k]\n" if e.l2 else "")
    if e.clip_value:
        lines.append(f"np.clip(g, -{e.clip_value!r}, {e.clip_value!r}, g)\n")
    if e.clip_norm:
        lines.append(f"norm = float(np.sqrt(g.dot(g)))\nif norm > {e.clip_norm!r}:\n    g *= {e.clip_norm!r} / norm\n")
    lines.append("steps += 1\n")
    lines.append(STEPS[e.optimizer][1].replace("{decay}", repr(e.weight_decay)))
    if e.max_norm:
        lines.append("for w in W:  # no unit's weights are longer than this\n")
        lines.append("    norms = np.sqrt((w * w).sum(axis=0, keepdims=True))\n")
        lines.append(f"    w *= dtype({e.max_norm!r}) / np.maximum(norms, dtype({e.max_norm!r}))\n")
    inner = "".join(" " * 8 + line + "\n" for line in "".join(lines).splitlines())
    return f"""
steps, size = 0, {size}
for epoch in range({plan.epochs + 1}):
    order = {order} if epoch else ()
    for start in range(0, len(order), size):
{inner}    train = loss(forward({shown("x_train")}), {shown("t_train")})
    print(f"{{epoch:5d}}  {{train:.9f}}  {{loss(forward(x_test), t_test):.9f}}")
"""
