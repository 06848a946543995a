"""A study under way: Optuna proposes trials and keeps what became of them, in memory or in a database.

The process that calls it is the only writer; those that train never see the database. A proposal depends only on the
study, the number of the trial and the trials that are finished, so an interrupted study goes on as if nothing had
happened, and a random or grid search proposes the same trials however many are trained at a time.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.rules import as_text
from lab.protocol.frames import finite
from lab.store.database import StoreError
from lab.store.kept_run import EVERYONE, Thumbnail
from lab.store.kept_study import KeptStudy
from lab.store.store import Store
from lab.studies.keep import kept_run
from lab.studies.study import Span, Study, is_whole
from lab.studies.task import Outcome, Task

TRIALS_BEFORE_PRUNING, TRIALS_FOR_IMPORTANCE = 5, 10  # that must be complete
STUDY, OUTCOME, TEST = "study", "outcome", "test"  # what is kept with a study or a trial, by these names
BUSY_S = 60.0  # that a study, for which nobody waits, waits for the writes of others
STATES = {TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Asked(NamedTuple):
    """What is to be trained: a trial, or with the trial None the best one once more, for its test figures."""

    number: int
    trial: optuna.Trial | None
    task: Task


class Search:
    """Asks what to train, is told what became of it, and reports. Raises StoreError.

    store: where a study of the same name and owner goes on, and trials become kept runs; None keeps nothing. owner: as
    in lab/store/kept_run.py. data_dir: folder of picture files; see data.load. check: raises ExperimentError for a run
    that is not allowed here.
    """

    def __init__(
        self, study: Study, store: Store | None = None, owner: str = EVERYONE, data_dir: str = "",
        check: Callable[[Experiment], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.study, self._store, self._owner, self._data_dir, self._check = study, store, owner, data_dir, check
        self.name = name_of(study, owner)
        self._is_testing = False
        try:
            self._optuna = optuna.create_study(
                storage=_storage(store), study_name=self.name, direction=study.direction, load_if_exists=True,
                sampler=optuna.samplers.RandomSampler(), pruner=optuna.pruners.NopPruner(),
            )  # fmt: skip
            self._optuna.set_user_attr(STUDY, study.to_values())
            trials = self._trials()
        except (SQLAlchemyError, RuntimeError, optuna.exceptions.OptunaError) as problem:
            reason = type(problem).__name__
            raise StoreError(f"The database cannot keep studies ({reason}): another version of Optuna?") from problem
        self._interrupted = [t for t in trials if not t.state.is_finished()]
        self._begun = len(trials)
        self.finished = self._begun - len(self._interrupted)

    @property
    def asks_ahead(self) -> bool:
        """Whether a proposal does not depend on what became of the trials before."""
        return self.study.sampler != "tpe" and self.study.pruner == "none"

    # Asking and telling ----------------------------------------------------------------------------------------------

    def ask(self) -> Asked | None:
        """The next trial; None if there is none, or none before one that is being trained is told."""
        while self._interrupted or self._begun < self.study.budget:
            if self._interrupted:
                trial = optuna.Trial(self._optuna, self._interrupted.pop(0)._trial_id)
            else:
                self._optuna.sampler = self._sampler(self._begun)
                self._begun += 1
                trial = self._optuna.ask()
            self._optuna.sampler = self._sampler(trial.number)
            point = {name: self._suggest(trial, name) for name in self.study.space}
            try:
                runs = self.study.experiments(point)
                self._check(runs[0])
            except ExperimentError as problem:  # the values of this trial do not fit each other
                self.tell(Asked(trial.number, trial, self._task()), Outcome("failed", why=str(problem)))
            else:
                return Asked(trial.number, trial, self._task(*runs, limits=self._limits()))
        return self._ask_for_test()

    def _ask_for_test(self) -> Asked | None:
        """The best run once more, for its test figures, after the last trial."""
        best = None if self._is_testing or self.finished < self.study.budget else self._untested()
        if best is None:
            return None
        self._is_testing = True
        return Asked(best.number, None, self._task(self._run(best), reports_test=True))

    def _task(self, *runs: Experiment, **more: Any) -> Task:
        texts, study = tuple(run.to_json() for run in runs), self.study
        return Task(texts, study.objective, study.direction, study.report_every, data_dir=self._data_dir, **more)

    def tell(self, asked: Asked, outcome: Outcome) -> None:
        """Keep an outcome. A trial that is told is complete; one that is not is trained again after an interruption."""
        if asked.trial is None:
            self._is_testing = False
            self._optuna.set_user_attr(TEST, {"number": asked.number, **outcome.result})
            return self.keep()
        self.finished += 1
        known = self._trials()[asked.number]
        if known.state.is_finished():  # told by another process, which goes on with the same study
            return None
        for epoch in sorted(outcome.reports.keys() - known.intermediate_values.keys()):
            asked.trial.report(outcome.reports[epoch], epoch)
        kept = asdict(replace(outcome, reports={}, curve={}, map={}))
        if outcome.result:
            run = Experiment.from_valid_json(asked.task.experiments[outcome.run])
            kept["weight_seed"] = run.weight_seed
            if self._store:
                self._store.keep(kept_run(self.name, asked.number, run, outcome, self._owner))
        asked.trial.set_user_attr(OUTCOME, finite(kept))
        state = next(state for state, name in STATES.items() if name == outcome.state)
        self._optuna.sampler = optuna.samplers.RandomSampler()  # that of grids would stop `optimize`, which is not used
        self._optuna.tell(asked.trial, outcome.value if state == TrialState.COMPLETE else None, state)
        self.keep()
        return None

    def keep(self) -> None:
        """Keep how far the study has come."""
        if self._store:
            best, values = self._best_trial(), self.study.to_values()
            value = best.value if best else None
            self._store.put_study(KeptStudy(self.name, self._owner, values, self.finished, value, self.is_complete))

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        seed = int(np.random.default_rng([self.study.seed, number]).integers(2**31))
        if self.study.sampler == "tpe":
            return optuna.samplers.TPESampler(seed=seed)
        if self.study.sampler == "random":
            return optuna.samplers.RandomSampler(seed)
        choices = {name: [_as_choice(value) for value in values] for name, values in self.study.grid.items()}
        return optuna.samplers.GridSampler(choices, self.study.seed)

    def _suggest(self, trial: optuna.Trial, name: str) -> Any:
        variation = self.study.space[name]
        if isinstance(variation, Span):
            suggest = trial.suggest_int if is_whole(name) else trial.suggest_float
            return suggest(name, variation.low, variation.high, log=variation.log)  # pyrefly: ignore
        return self._value(name, trial.suggest_categorical(name, [_as_choice(value) for value in variation]))

    def _value(self, name: str, kept: Any) -> Any:
        """The value of a field that Optuna keeps."""
        variation = self.study.space[name]
        if isinstance(variation, Span):
            return kept
        return next(value for value in variation if _as_choice(value) == kept)

    def _limits(self) -> dict[int, float]:
        """Epoch -> the median of the complete trials then, as Optuna's MedianPruner has it.

        The process that trains prunes by it, without asking again: what is finished meanwhile counts for the next one.
        """
        done = [t.intermediate_values for t in self._trials() if t.state == TrialState.COMPLETE]
        if self.study.pruner == "none" or len(done) < TRIALS_BEFORE_PRUNING:
            return {}
        epochs = sorted({epoch for values in done for epoch in values})
        return {epoch: float(np.median([v[epoch] for v in done if epoch in v])) for epoch in epochs}

    # Reporting -------------------------------------------------------------------------------------------------------

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to ask for."""
        return self.finished >= self.study.budget and self._untested() is None

    def report(self) -> dict[str, Any]:
        """How many trials ended how, the best one, and a row for each. The test part is in it once: for the best."""
        rows = self.rows()
        counts = {state: sum(row["state"] == state for row in rows) for state in STATES.values()}
        return finite({"study": self.name, "trials": counts, "best": self.best(), "rows": rows})

    def rows(self) -> list[dict[str, Any]]:
        """One for each finished trial, in order. weight_seed: of the run with the median, whose value it is."""
        return [self._row(trial) for trial in self._trials() if trial.state.is_finished()]

    def row(self, number: int) -> dict[str, Any]:
        """That of a finished trial."""
        return finite(self._row(self._trials()[number]))

    def best(self) -> dict[str, Any] | None:
        """The best trial, as its run with the median; with test figures as soon as the study is complete."""
        if (trial := self._best_trial()) is None:
            return None
        test = self._test if self._test.get("number") == trial.number else {}
        test = {name: value for name, value in test.items() if name.startswith("test_")}
        figures = trial.user_attrs[OUTCOME]["result"] | test
        experiment = self._run(trial).model_dump(mode="json")
        return {"number": trial.number, "value": trial.value, "experiment": experiment, **figures}

    def spread(self, number: int) -> tuple[float, float]:
        """The lowest and the highest value of the runs of a finished trial."""
        values = self._trials()[number].user_attrs[OUTCOME]["values"]
        known = [self.study.worst if value is None else value for value in values]
        return min(known), max(known)

    def importance(self) -> dict[str, float]:
        """Field -> share of the differences between trials that it explains, the largest first.

        Empty if there is one field only, or if the trials are too few or all alike.
        """
        values = [trial.value for trial in self._trials() if trial.state == TrialState.COMPLETE]
        known = {value for value in values if _is_finite(value)}
        if len(self.study.space) < 2 or len(values) < TRIALS_FOR_IMPORTANCE or len(known) < 2:
            return {}
        return optuna.importance.get_param_importances(self._optuna)

    def best_map(self) -> Thumbnail | None:
        """The map of the best trial, where there is one."""
        if self._store is None or (trial := self._best_trial()) is None:
            return None
        found = self._store.find(self._owner, parent=f"study:{self.name}").runs
        ids = [run.id for run in found if run.source == f"study:{self.name}:{trial.number}"]
        return next((run.thumbnail for run in self._store.load(ids)), None)

    def _row(self, trial: FrozenTrial) -> dict[str, Any]:
        outcome, state = trial.user_attrs.get(OUTCOME, {}), STATES[trial.state]
        if state == "done" and not _is_finite(trial.value):  # diverged: for Optuna it is the worst of all values
            state = "failed"
        row = {"number": trial.number, "state": state, **self._point(trial), "value": trial.value}
        return row | {name: outcome.get(name) for name in ("seconds", "weight_seed", "why")}

    def _point(self, trial: FrozenTrial) -> dict[str, Any]:
        """Field -> its value in a trial."""
        return {name: self._value(name, trial.params[name]) for name in self.study.space}

    def _run(self, trial: FrozenTrial) -> Experiment:
        """The run with the median."""
        return self.study.experiments(self._point(trial))[trial.user_attrs[OUTCOME]["run"]]

    def _untested(self) -> FrozenTrial | None:
        """The best trial, if its test figures are not known."""
        best = self._best_trial()
        return best if best and self._test.get("number") != best.number else None

    def _best_trial(self) -> FrozenTrial | None:
        """The complete trial with the best finite value; of equal ones the first."""
        done = [t for t in self._trials() if t.state == TrialState.COMPLETE and _is_finite(t.value)]
        sign = 1 if self.study.direction == "minimize" else -1
        return min(done, key=lambda trial: sign * (trial.value or 0.0), default=None)

    @property
    def _test(self) -> dict[str, Any]:
        """Number and figures of the trial that was tested; empty before."""
        return self._optuna.user_attrs.get(TEST, {})

    def _trials(self) -> list[FrozenTrial]:
        return self._optuna.get_trials(deepcopy=False)


def name_of(study: Study, owner: str) -> str:
    """The name of an owner's study in the database."""
    return f"{study.name}-{owner[:12]}" if owner else study.name


def remove_old(store: Store, owner: str, active: Collection[str]) -> None:
    """Remove studies for good that are too old, too many of an owner's, or deleted. active: names of those to keep."""
    for name in store.old_studies(owner):
        if name not in active:
            with contextlib.suppress(KeyError):  # it has no trials
                optuna.delete_study(study_name=name, storage=_storage(store))
            store.remove_study(name)


def _storage(store: Store | None) -> optuna.storages.BaseStorage:
    if store is None:
        return optuna.storages.InMemoryStorage()
    url = store.engine.url
    is_file = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"poolclass": NullPool}  # a study that has ended keeps no connection
    if is_file:
        options["connect_args"] = {"timeout": BUSY_S}
    storage = optuna.storages.RDBStorage(url.render_as_string(hide_password=False), options)
    if is_file:  # a killed process loses nothing; waiting for the disk at every commit takes as long as a short trial
        event.listen(storage.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=NORMAL"))
    return storage


def _as_choice(value: Any) -> Any:
    """A value as Optuna keeps it: lists as in a link, such as 64,32."""
    return as_text(value) if isinstance(value, tuple) else value


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
