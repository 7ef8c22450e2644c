"""What is odd in the records of NATS-Bench, and the rules by which it is treated."""

from __future__ import annotations

from blackbox_repo.store.manifest import Defect

_BOTH = (
    Defect(
        "the split ori-test is the test images on cifar10-valid and cifar10, but validation and test images "
        "together on cifar100 and ImageNet16-120, where x-valid and x-test are its two parts",
        "named as in the official API: valid_accuracy, test_accuracy and valtest_accuracy; on cifar100 and "
        "ImageNet16-120 valid and valtest differ by up to 1.7 points",
    ),
    Defect(
        "cifar10 is trained on training and validation images together",
        "it has test accuracies only: test_accuracy is its target, and valid_accuracy is NaN; the official "
        "simulate_train_eval searches on cifar10-valid",
    ),
    Defect(
        "training times are one number an architecture and data set, scaled by the number of images: "
        "estimates, not measurements of a run",
        "elapsed_time is proportional to the epoch, and marked interpolated",
    ),
    Defect(
        "the official simulation adds one validation pass to the training time",
        "elapsed_time is training alone; one pass takes valid_seconds, test_seconds or valtest_seconds",
    ),
    Defect(
        "trainings of different length have schedules of their own: one is no prefix of another",
        "a blackbox each",
    ),
    Defect("the losses, and the top-5 accuracies of some trainings", "left out, for they double the size"),
    Defect("a training or architecture that the records lack", "stays missing; nothing is filled in"),
)
TOPOLOGY_CARD = (
    Defect(
        "in the training of 200 epochs 8,169 architectures have the seeds 777, 888 and 999, and 7,456 have "
        "two of them; in that of 12 epochs the seed is 111, and 777 besides on cifar10-valid",
        "missing seeds stay missing",
    ),
    Defect(
        "in the training of 200 epochs validation and test accuracies are there for the last epoch only, but "
        "for validation on cifar10-valid and test on cifar10",
        "NaN before; the target on cifar100 and ImageNet16-120 is valtest_accuracy, which has all epochs, "
        "though it looks at test images too",
    ),
    Defect(
        "the records' counts of weights are those of another cell for 150 architectures (as another source "
        "has them, see nasbench201-final)",
        "parameters is computed from the architecture; flops and latency are the records', and may be of the "
        "other cell there",
    ),
    *_BOTH,
)
SIZE_CARD = (
    Defect(
        "the training of 90 epochs has the seed 777 alone, that of 12 epochs 777, 888 and 999; there is one "
        "of a single epoch too",
        "missing seeds stay missing; the single epoch is left out",
    ),
    *_BOTH,
)
