"""Imported once by the process that workers are forked from: what each of them would spend its first seconds with."""

import pytest  # noqa: F401 - a forked process imports the program that asked for it

import worker
from tests.support import servers  # noqa: F401 - and the function it is to run

worker.sandbox()  # reads the calendars of holidays
