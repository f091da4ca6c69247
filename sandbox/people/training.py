"""Training records: who passed which course, until when; said by somebody else, and signed.

A role that asks for a course can't be granted without a record of it, and is not held any more
from the instant at which the record runs out (R05). One act may tell of many people.
"""

from policies.ruling import Facts
from policies.training import known_courses, longest_validity
from sandbox.acts import Acting, Effects, Outcome
from sandbox.errors import Unacceptable
from sandbox.people.commands import RecordTraining
from sandbox.people.pseudonyms import bear
from sandbox.people.signed_terms import require_terms, training_terms
from sandbox.records.permits import Training
from sandbox.records.port import Tables


class TrainingRecording:
    """Handler of `RecordTraining`."""

    def facts(self, tables: Tables, command: RecordTraining, acting: Acting) -> Facts:
        """Whether somebody tells of themselves, or of people of another organisation."""
        del tables
        own = {membership.organisation for membership in acting.memberships}
        return {
            "self": any(person.account == acting.account for person in command.people),
            "own_firm": all(person.organisation in own for person in command.people),
        }

    def act(self, tables: Tables, command: RecordTraining, acting: Acting) -> Outcome:
        """Keep one row for each person.

        Raises:
            Unacceptable: what was signed is something else, there is no such course, nobody
                passed anything then, or the record would count too long.
            Conflict: the record exists, or somebody bears another pseudonym here.
        """
        require_terms(command, training_terms(command))
        if command.course not in known_courses():
            raise Unacceptable("course-unknown", "no role asks for this course", field="course")
        _check_times(command, acting)
        members = [person.member for person in command.people]
        if not members or len(set(members)) != len(members):
            raise Unacceptable("training-malformed", "name each person once", field="people")
        for number, person in enumerate(command.people):
            bear(tables, person.account, person.member)
            tables.of(Training).insert(
                Training(
                    id=f"{command.training}:{number}",
                    record=command.training,
                    account=person.account,
                    pseudonym=person.member,
                    course=command.course,
                    passed_at=command.passed_at,
                    expires_at=command.expires_at,
                    index=acting.index,
                )
            )
        return Outcome(
            codes={"course": command.course},
            counts={"people": len(members)},
            reply={"training": command.training},
            effects=Effects(membership_changed=True),
        )


def _check_times(command: RecordTraining, acting: Acting) -> None:
    if command.passed_at > acting.now:
        raise Unacceptable("training-in-future", "nobody passed this yet", field="passed_at")
    if command.expires_at <= acting.now:
        raise Unacceptable("training-expired", "it has run out already", field="expires_at")
    if command.expires_at - command.passed_at > longest_validity():
        raise Unacceptable("training-too-long", "it would count too long", field="expires_at")
