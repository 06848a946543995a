"""Input from outside is an experiment or refused in sentences; an experiment survives link and JSON."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.sources import hand_drawn
from engine import ACTIVATIONS
from engine.step.settings import Settings
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import DEFAULTS, FIELDS, LIVE
from lab.experiment.rules import OneOf, Range
from lab.protocol.messages import Preview
from tests.lab.strategies import experiments, field_values, json_values


def hostile(field: str) -> list[str]:
    """JSON texts of values that are invalid for every field."""
    match FIELDS[field].allowed:
        case Range(low=low, high=high, above=above):
            texts = [str(low if above else low - 1), str(high + 1), "NaN", "Infinity", "1e400", "true", "[0.1]", '"x"']
            return [*texts, *(["0.5", "9" * 400] if isinstance(DEFAULTS[field], int) else [])]
        case OneOf(names=names):
            name = names[-1]
            return ['""', f'"{name.upper()}"', f'"{name} "', f'"{name}\\u0000"', "3", "null", f'["{name}"]']
    return ["null", "{}"]


# field: JSON texts of other invalid values
SPECIAL = {
    "dataset": ['"circles"', '{"circle": 1}', '"\\ud800"', '"circle\\n"'],
    "noise": ["-0.1", "0.51", '"1e309"', '"nan"', '"0x1"'],
    "samples": ["9", "1", "10.5", '"many"'],
    "points": ["[]", "[[1, 2]]", "[[1, 2, 5]]", "[[1, NaN, 0]]", "[[1, 2, true]]", '"zzz"', '"eJw="', "7",
               '[["a", 1, 0]]', '"' + "A" * 15000 + '"', "[[0, 0, 0.5]]"],
    "own": ['"a"', '"' + "g" * 32 + '"', '"../../etc/passwd"', "7", "[]", '"' + "a" * 33 + '"'],
    "scaling": ['"unit"'],  # the data set has no pictures
    "features": ["[]", '""', '["x1", "x1"]', '"x1,x3"', '["x1", 2]', "7", '[["x1"]]', '{"x1": 1}', "[true]"],
    "formula": ['"x3"', '"sqrt(x1)"', '"x1.real"', '"2x1"', '"' + "(" * 50 + '"', '"' + "1+" * 60 + '1"', "7",
                '"__import__(1)"', '"\\ud800"', '"\\u0000"'],
    "hidden": ["[0]", "[1025]", "[-1]", "[8.5]", "[true]", "[NaN]", "[null]", "[[8]]", "8", '"8;8"', '"\u0663"',
               '"8,8,8,8,8,8,8,8,8"', "[1024, 1024, 1024, 1024]", '{"a": 8}', "[1e400]", "true",
               f"[{'1, ' * 4000}1]", "[" * 900 + "]" * 900],
    "conv": ["[8]", '"8"', "[0]", "[65]", "[true]", '"a"', "[1, 1, 1, 1]"],
    "activations": ["[]", '["relu", "tanh", "relu"]', '"rely"', '[["relu"]]', "5", '","'],
    "loss": ['"hinge,mse"'],
    "learning_rate": ["-0.0", "1e-400", '"fast"'],
    "batch_norm": ["1", "0", '"yes"', '"on"', "[true]"],
    "seed": ['"' + "9" * 5000 + '"', '"\u00b2"'],
    "device": ['"gpu"', '"cuda:\u0663"', '"cuda:0\\n"', '"cuda:12"', "0", '""'],
}  # fmt: skip
HOSTILE = {name: [*hostile(name), *SPECIAL.get(name, [])] for name in FIELDS}
CASES = [(name, text) for name, texts in HOSTILE.items() for text in texts]


def test_the_defaults_survive_link_and_json():
    assert Experiment.from_json("{}") == Experiment() == Experiment.from_query({})[0]
    assert Experiment().to_query() == {}
    assert set(json.loads(Experiment().to_json())) == set(FIELDS)


@pytest.mark.parametrize(("name", "text"), CASES, ids=lambda value: value[:25])
def test_a_bad_value_is_refused_in_one_sentence(name, text):
    with pytest.raises(ExperimentError) as refusal:
        Experiment.from_json(f'{{"{name}": {text}}}')
    (sentence,) = refusal.value.sentences
    assert sentence.startswith(f"{name}: ")
    assert "; allowed: " in sentence
    assert sentence.endswith(".")
    assert len(sentence) < 400
    sentence.encode()  # can be printed and sent


@pytest.mark.parametrize(("name", "text"), CASES, ids=lambda value: value[:25])
def test_a_link_with_a_bad_value_keeps_the_other_fields(name, text):
    value = json.loads(text)
    value = value if isinstance(value, str) else "bad " + str(value)[:60]
    experiment, refused = Experiment.from_query({name: value, "seed" if name != "seed" else "epochs": "7"})
    assert (experiment.epochs if name == "seed" else experiment.seed) == 7
    assert getattr(experiment, name) == getattr(Experiment(), name)
    assert [sentence.split(":")[0] for sentence in refused] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "null", "NaN", "1", "[]", '"circle"', "{", '{"seed": 1', "{'seed': 1}", "\ufeff{}", "\x00", "\ud800",
        '{"seed": }', '{"seed": 1,}', "[" * 100_000, '{"a":' * 5000, "1" * 5000, '{"seed": ' + "1" * 5000 + "}",
        '"' + "x" * 10**6 + '"', '{"dataset": "' + "x" * 10**6 + '"}', '{"hidden": [' + "1," * 10**6 + "1]}",
        '{"seed": 1, "seed": 2}', '{"": 1}', '{"\\ud800": 1}', '{"model_config": {}}', '{"self": 1}',
        '{"__class__": 1}',
    ],
    ids=lambda text: ascii(text[:20]),
)  # fmt: skip
def test_what_is_no_experiment_at_all_is_refused(text):
    with pytest.raises(ExperimentError) as refusal:
        Experiment.from_json(text)
    assert all(sentence.encode() and len(sentence) < 1200 for sentence in refusal.value.sentences)


def test_an_unknown_field_is_refused_with_the_list_of_fields():
    with pytest.raises(ExperimentError, match=r"^learning_speed is no field of an experiment; allowed: dataset, "):
        Experiment.from_json('{"learning_speed": 1}')


def test_a_field_given_twice_is_refused():
    with pytest.raises(ExperimentError, match="seed: given twice"):
        Experiment.from_json('{"seed": 1, "noise": 0.1, "seed": 1}')


def test_there_is_a_sentence_for_each_wrong_field():
    with pytest.raises(ExperimentError) as refusal:
        Experiment.from_json('{"seed": -1, "noise": 9, "hidden": [0, 0, 8]}')
    assert sorted(sentence.split(":")[0] for sentence in refusal.value.sentences) == ["hidden", "noise", "seed"]


def read(text) -> Experiment | list[str]:
    """The experiment, or the sentences of its refusal. Any other exception fails the test."""
    try:
        return Experiment.from_json(text)
    except ExperimentError as refusal:
        return refusal.sentences


@given(st.text() | st.text('[]{}:,"0123456789.eE+-truefalsn \n\\u', max_size=60))
def test_any_text_is_an_experiment_or_refused(text):
    assert read(text)


@given(st.dictionaries(st.sampled_from(list(FIELDS)) | st.text(max_size=5), json_values, max_size=5) | json_values)
def test_any_json_is_an_experiment_or_refused(value):
    assert read(json.dumps(value))


names = st.sampled_from(list(FIELDS)) | st.text(max_size=5)


@given(st.dictionaries(names, st.text() | st.text("0123456789.,-e"), max_size=8))
def test_any_link_opens(query):
    experiment, refused = Experiment.from_query(query)
    assert Experiment.model_validate(experiment.model_dump()) == experiment
    known = query.keys() & set(FIELDS)
    for name in known - {sentence.split(":")[0] for sentence in refused}:
        alone = Experiment.from_query({name: query[name]})[0]
        assert getattr(experiment, name) == getattr(alone, name) or name in ("output", "loss", "activations", "conv")


@settings(max_examples=300)  # drawing an experiment takes longer than any of the checks
@given(experiments)
def test_every_experiment_survives_its_link_and_its_json(experiment):
    fields = experiment.to_query()
    opened, refused = Experiment.from_query(dict(parse_qsl(urlencode(fields), keep_blank_values=True)))
    assert refused == []
    drawn = experiment.dataset == hand_drawn.NAME
    assert opened == (experiment if drawn else experiment.change(points=""))
    known = Experiment().changed_fields(experiment).keys() - (set() if drawn else {"points"})
    always = {"validation_share"} if experiment.selects else set()  # tells it from an old link
    assert fields.keys() == known | always  # nothing else than what differs from the defaults

    text = experiment.to_json()
    assert Experiment.from_json(text) == experiment
    assert hash(experiment) == hash(Experiment.from_json(text))


def test_a_link_has_drawn_points_only_for_their_data_set():
    points = hand_drawn.pack([[-1, 0, 0], [-2, 0, 0], [1, 0, 1], [2, 0, 1]])
    mine = Experiment(dataset="drawn", points=points)
    assert mine.to_query() == {"dataset": "drawn", "points": points}
    assert mine.change(dataset="moons").to_query() == {"dataset": "moons"}
    assert mine.change(dataset="moons").change(dataset="drawn") == mine  # points are kept until the set is chosen again


OLD_RULES = [
    ({"patience": "20"}, "validation_loss"),
    ({"target_accuracy": "0.9"}, "validation_loss"),
    ({"patience": "20", "monitor": "test_score"}, "validation_score"),
]


@pytest.mark.parametrize(("fields", "monitor"), OLD_RULES)
def test_stop_rules_of_an_old_link_get_a_validation_part(fields, monitor):
    numbers = {name: text if name == "monitor" else float(text) for name, text in fields.items()}
    opened, refused, notes = Experiment.with_notes_from_query(fields)
    assert refused == []
    assert (opened, notes) == Experiment.with_notes_from_json(json.dumps(numbers))
    assert (opened.validation_share, opened.monitor) == (0.2, monitor)
    (note,) = notes
    assert "20% of the training part was set aside as validation part" in note
    assert Experiment.with_notes_from_query(opened.to_query()) == (opened, [], [])


@pytest.mark.parametrize("share", ["0", "0.3"])
def test_a_given_validation_share_stays(share):
    opened, refused, notes = Experiment.with_notes_from_query({"patience": "20", "validation_share": share})
    assert (opened.validation_share, refused, notes) == (float(share), [], [])


def test_an_old_monitor_is_renamed_with_a_sentence():
    old = {"monitor": "test_loss", "patience": "5", "validation_share": "0.1"}
    opened, refused, (note,) = Experiment.with_notes_from_query(old)
    assert (opened.monitor, opened.validation_share, refused) == ("validation_loss", 0.1, [])
    assert note == "Stop rules no longer look at the test part: test_loss was changed to validation_loss."


@pytest.mark.parametrize("rate", [0.03, 1e-5, 0.1 + 0.2, 1 / 3, 10.0, 5e-324])
def test_numbers_keep_every_digit_and_no_useless_one(rate):
    text = Experiment(learning_rate=rate).to_query().get("learning_rate", "0.03")
    assert float(text) == rate
    assert not text.endswith(".0")


@given(experiments, st.sampled_from(list(FIELDS)), st.data())
def test_a_change_resets_only_fields_that_no_longer_fit(experiment, name, data):
    value = data.draw(field_values[name])
    try:
        changed = experiment.change(**{name: value})
    except ExperimentError as refusal:
        changed, sentences = experiment, refusal.sentences
    else:
        sentences = []
    assert all(sentence.startswith(f"{name}: ") for sentence in sentences)
    default = Experiment()
    for dropped in set(experiment.changed_fields(changed)) - {name}:
        if dropped == "activations" and name == "hidden":
            assert len(changed.activation_names) == len(changed.hidden)
            continue
        assert getattr(changed, dropped) == getattr(default, dropped)
        with pytest.raises(ExperimentError):  # it did not fit
            changed.change(**{name: getattr(changed, name), dropped: getattr(experiment, dropped)})


def test_another_kind_of_data_resets_loss_and_output():
    classes = Experiment(dataset="spiral3", output="softmax", loss="categorical_crossentropy", seed=5)
    numbers = classes.change(dataset="hills")
    assert (numbers.output, numbers.loss, numbers.seed) == ("auto", "auto", 5)
    assert classes.change(dataset="iris") == classes.model_copy(update={"dataset": "iris"})


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        ((4,), "relu"),
        ((4, 4, 4), ("relu", "tanh", "tanh")),
        ("4,4,4,4", ("relu", "tanh", "tanh", "tanh")),
        ((), "tanh"),
    ],
)
def test_activations_follow_the_number_of_layers(hidden, expected):
    experiment = Experiment(hidden=(8, 8), activations=("relu", "tanh")).change(hidden=hidden)
    assert experiment.activations == expected
    assert len(experiment.activation_names) == len(experiment.hidden)


@pytest.mark.parametrize("value", [None, 3, [0], "a", [[8]], {}])
def test_a_bad_change_is_refused(value):
    for experiment in (Experiment(), Experiment(hidden=(8, 8), activations=("relu", "tanh"))):
        with pytest.raises(ExperimentError, match="hidden: "):
            experiment.change(hidden=value)


def test_one_activation_is_the_same_alone_or_in_a_list():
    alone = Experiment(hidden=(8,), activations="relu")
    assert alone == Experiment(hidden=(8,), activations=("relu",)) == Experiment(hidden=(8,), activations=["relu"])


def test_live_fields_are_the_settings_of_a_trainer():
    assert tuple(field.name for field in fields(Settings)) == LIVE
    assert vars(Experiment().settings()) == vars(Settings())


@given(experiments, st.sampled_from(list(FIELDS)), st.data())
def test_a_running_network_accepts_only_live_changes(experiment, name, data):
    changed = Experiment.model_copy(experiment, update={name: data.draw(field_values[name])})
    same = getattr(changed, name) == getattr(experiment, name)
    assert experiment.allows_live_change(changed) == (same or name in LIVE)


def test_an_experiment_is_frozen_and_can_be_a_key():
    with pytest.raises(ValueError, match="frozen"):
        Experiment().seed = 2
    assert {Experiment(): 1}[Experiment()] == 1


def test_parameters_count_weights_and_biases():
    assert Experiment(hidden=(8, 8)).parameters == (2 + 1) * 8 + (8 + 1) * 8 + (8 + 1) * 1
    assert Experiment(dataset="digits", hidden=(32,)).parameters == (64 + 1) * 32 + (32 + 1) * 10


def test_the_allowed_activations_are_those_of_the_table():
    with pytest.raises(ExperimentError) as refusal:
        Experiment.from_json('{"activations": "none"}')
    assert all(name in refusal.value.sentences[0] for name in ACTIVATIONS)


def test_nan_is_no_number_from_python_either():
    with pytest.raises(ExperimentError, match="noise: nan is not allowed"):
        Experiment().change(noise=math.nan)


def test_batch_normalization_refuses_batches_of_one():
    norm = Experiment(batch_norm=True)
    with pytest.raises(ExperimentError, match=r"^batch_size: 1 does not fit; allowed: 2 or more, or 0") as refused:
        norm.change(batch_size=1)
    assert len(refused.value.args) == 1
    with pytest.raises(ExperimentError, match="batch_size: 1 does not fit"):
        Preview("batch_size", 1).applied_to(norm)
    with pytest.raises(ExperimentError, match="batch_size: 1 does not fit"):
        Experiment.from_json('{"batch_norm": true, "batch_size": 1}')
    opened, refused_fields = Experiment.from_query({"batch_norm": "true", "batch_size": "1"})
    assert (opened.batch_norm, opened.batch_size, len(refused_fields)) == (True, 10, 1)
    assert Experiment(batch_norm=True, batch_size=1, hidden=()).batch_size == 1
