"""PURE: does several things side by side, so that what they ask in each round can be asked in one go."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Result = TypeVar("Result")


def together(tasks: Sequence[Generator[Question, Answer, Result]], ask: Callable[[list[Question]], Sequence[Answer | Exception]]) -> list[Result | Exception]:
    """What each task returned or raised, in their order. A task yields a question and is given the answer, or the exception that stands for it;
    `ask` is given the open questions of all. If it raises, nobody was answered: all of them are told so."""
    ends: list[Result | Exception] = [RuntimeError("not ended")] * len(tasks)
    open_questions: dict[int, Question] = {}

    def go_on(number: int, step: Callable[[], Question]) -> None:
        try:
            open_questions[number] = step()
        except StopIteration as end:
            ends[number] = end.value
        except Exception as error:  # one must not stop the others; it is what the task has come to
            ends[number] = error

    for number, task in enumerate(tasks):
        go_on(number, partial(next, task))
    while open_questions:
        asked = dict(open_questions)
        open_questions.clear()
        try:
            answers = ask(list(asked.values()))
        except Exception as error:
            answers = [error] * len(asked)
        for number, answer in zip(asked, answers, strict=True):
            task = tasks[number]
            if isinstance(answer, Exception):
                go_on(number, partial(task.throw, answer))
            else:
                go_on(number, partial(task.send, answer))
    return ends


def alone(task: Generator[Question, Answer, Result], ask: Callable[[list[Question]], Sequence[Answer | Exception]]) -> Result:
    """One task by itself; raises what it raises."""
    (end,) = together([task], ask)
    if isinstance(end, Exception):
        raise end
    return end
