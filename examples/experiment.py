"""Runs an experiment from Python: the same value that the page, a link and the command line use."""

from lab.experiment.experiment import Experiment
from lab.training.build import build

experiment = Experiment(dataset="circle", hidden=(8, 8), optimizer="adam", learning_rate=0.01, epochs=60)
dataset, trainer = build(experiment)
print(dataset)
while not trainer.stopped and trainer.divergence is None:
    trainer.epoch()
    if trainer.epochs % 20 == 0:
        scores = trainer.evaluate()
        print(f"epoch {trainer.epochs}: test loss {scores.test_loss:.4f}, test accuracy {scores.test_score:.3f}")
print(trainer.stopped)
print("the same experiment as a link: /?" + "&".join(f"{name}={text}" for name, text in experiment.to_query().items()))
