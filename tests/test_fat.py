"""The FAT file system where its numbers, which are places on the disk, could mislead."""


def said(vm, script):
    result = vm(["sh", "-c", script], check=True)
    assert result.status == 0, result
    return result.stdout.decode().splitlines()


def test_a_renamed_file_is_not_taken_for_the_next_of_its_old_name(vm):
    lines = said(
        vm,
        "mkdir /boot/o /boot/t; cd /boot/o; for i in $(seq 400); do : >x$i; done; cd /boot/t; "
        "echo old >tmp; mv tmp f1; cat f1; ls -l /boot/o >/dev/null; echo new >tmp; cat f1 tmp; "
        "echo more >f1; cat f1 tmp; rm tmp; ls -l /boot/o >/dev/null; cat f1; rm -r /boot/o /boot/t",
    )
    assert lines == ["old", "old", "new", "more", "new", "more"]


def test_a_file_can_be_replaced_by_renaming_any_number_of_times(vm):
    lines = said(
        vm,
        "mkdir /boot/t; cd /boot/t; for i in $(seq 60); do echo $i >tmp; mv tmp f$i; done; ls | wc -l; "
        "cat f1 f30 f60; rm -r /boot/t",
    )
    assert lines == ["60", "1", "30", "60"]


def test_a_disk_with_a_removed_file_in_use_is_not_made_read_only(vm):
    """Nothing could free the file then."""
    lines = said(
        vm,
        "cd /root; head -c 500000 /dev/zero >gone; exec 5<>gone; rm gone; "
        "mount -o remount,ro / 2>&1; exec 5>&-; mount -o remount,ro / && echo now; mount -o remount,rw /",
    )
    assert "busy" in lines[0] and lines[1:] == ["now"], lines
