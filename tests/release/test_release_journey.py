import json

from release_house import ReleaseHouse

from crypto.verifier import main as verify
from policies.vocabulary import ReleaseState


def test_an_approved_label_set_reaches_its_recipient(house: ReleaseHouse):
    release = house.released(items=2)

    files = house.open_sealed(house.recipient, release, house.download(house.recipient, release))

    assert house.release(release).state is ReleaseState.RELEASED
    assert [json.loads(line)["classes"] for line in files["labels.jsonl"].splitlines()] == [
        ["effusion"],
        ["effusion"],
    ]


def test_the_package_folder_verifies_offline_with_the_pinned_key(house, tmp_path, capsys):
    release = house.released()
    files = house.open_sealed(house.recipient, release, house.download(house.recipient, release))
    folder = tmp_path / "package"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "passport.json").write_bytes(house.release(release).passport)

    code = verify([str(folder), "--key", house.vkeys()[0]])

    assert code == 0, capsys.readouterr()
