"""Other shapes of primary network than ptp's, put on the running cluster and taken off again."""

from support.shapes.aws import Aws
from support.shapes.calico import Calico
from support.shapes.firewalld import Firewalld
from support.shapes.shape import Shape

SHAPES: dict[str, Shape] = {"calico": Calico(), "aws": Aws(), "firewalld": Firewalld()}
