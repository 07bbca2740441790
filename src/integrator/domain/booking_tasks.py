"""What a person has to do about a reseller's booking, by its task: as status, explain and the documents tell it."""

from dataclasses import dataclass

_AGAIN = "integrator booking-status again"
_SETTLE = "integrator booking-status settle"


@dataclass(frozen=True, slots=True)
class Task:
    """What waits for a person.

    why    what became of the booking, said of it; what: what a person does, in which {student} stands for who it is
    again  what they do is a question: if it is so, the booking is taken up again; otherwise, and else, it is settled
    """

    why: str
    what: str
    again: bool = False

    def told(self, reference: str, student: str) -> str:
        """What to do, and what to type then."""
        settled = f"{_SETTLE} {reference}"
        then = f"if so: {_AGAIN} {reference}; if not: {settled}" if self.again else f"then: {settled}"
        return f"{self.what.format(student=student)}; {then}"


TASKS = {
    "unseen": Task(
        "did not become visible at Trainingportal in time", "ask Trainingportal whether the student comes", again=True
    ),
    "unclear": Task(
        "is not there as a new booking is (of another class, without a name or address, or cancelled)",
        "look whether it is right there by now",
        again=True,
    ),
    "lost_seat": Task(
        "was confirmed when its seat had been given up",
        "find the student a seat, or have the booking cancelled at Trainingportal",
    ),
    "cancel_in_maconomy": Task(
        "was cancelled by Trainingportal, and its student is registered, or may be", "withdraw {student} in Maconomy"
    ),
}
# lost_seat of a booking that nobody could be asked about: it was never confirmed.
UNASKED = Task(
    "lost its seat, which is held for a day, while Trainingportal could not be asked",
    "look whether the class still has a seat (else have the booking cancelled at Trainingportal)",
    again=True,
)
# A cancellation of a booking that nobody here knows: perhaps of one that a restore forgot.
UNKNOWN = Task(
    "was cancelled by Trainingportal, and is not known here",
    "look whether {student} is registered in Maconomy, and withdraw them there if so",
)


def task_of(task: str, state: str) -> Task:
    """The task of a booking in this state."""
    return UNASKED if (task, state) == ("lost_seat", "unseen") else TASKS[task]
