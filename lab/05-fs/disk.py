"""disk.py IMAGE: fills the lab's disk, which mkfs.minix has just made, with the files that the first tests read and change.

No tool of Debian's writes this file system without mounting it, so this is a writer of its own: enough of one for a disk that holds
nothing yet. tests/fs.c knows what is here: change both."""

import struct
import sys

BLOCK, DIRECT, PER_BLOCK, ENTRY, INODE, MAPS = 1024, 7, 256, 64, 64, 2
FOLDER, FILE, LINK = 0o040000, 0o100000, 0o120000
LONG_AGO = 1000000000  # seconds: every time on this disk


def contents(number, start, length):
    """Bytes of file number `number`, as tests/fs.c computes them: no two blocks of a file are alike, and no two files."""
    return bytes(
        (at * 31 + (at >> 10) * 7 + (at >> 18) * 13 + number * 101) & 255
        for at in range(start, start + length)
    )


class Disk:
    def __init__(self, data):
        self.data = data
        self.inodes, _, imap, zmap, self.first_zone = struct.unpack_from("<IHHHH", data, BLOCK)
        self.zone_map = (MAPS + imap) * BLOCK
        self.table = self.zone_map + zmap * BLOCK

    def take(self, start):
        """The number of the first bit of a map that is free, which it is no more."""
        bit = 0
        while self.data[start + bit // 8] >> bit % 8 & 1:
            bit += 1
        self.data[start + bit // 8] |= 1 << bit % 8
        return bit

    def new_zone(self):
        return self.take(self.zone_map) + self.first_zone - 1

    def inode(self, number):
        return self.table + (number - 1) * INODE

    def new_inode(self, mode, size):
        number = self.take(MAPS * BLOCK)
        struct.pack_into(
            "<HHHHIIII",
            self.data,
            self.inode(number),
            *(mode, 0, 0, 0, size, LONG_AGO, LONG_AGO, LONG_AGO),
        )
        return number

    def add_to(self, at, format, count):
        struct.pack_into(
            format, self.data, at, struct.unpack_from(format, self.data, at)[0] + count
        )

    def zone(self, inode, block):
        """The zone of a file's block, and all on the way there, which are made."""
        for depth in range(4):
            span = PER_BLOCK**depth if depth else DIRECT
            if block < span:
                break
            block -= span
        at = self.inode(inode) + 24 + 4 * (DIRECT + depth - 1 if depth else block)
        for level in range(depth, -1, -1):
            (zone,) = struct.unpack_from("<I", self.data, at)
            if not zone:
                zone = self.new_zone()
                struct.pack_into("<I", self.data, at, zone)
            if level:
                at = zone * BLOCK + 4 * (block // PER_BLOCK ** (level - 1) % PER_BLOCK)
        return zone

    def write(self, inode, block, data):
        at = self.zone(inode, block) * BLOCK
        self.data[at : at + len(data)] = data

    def name(self, folder, name, inode):
        """Adds a name at the end of a folder."""
        (size,) = struct.unpack_from("<I", self.data, self.inode(folder) + 8)
        at = self.zone(folder, size // BLOCK) * BLOCK + size % BLOCK
        struct.pack_into("<I60s", self.data, at, inode, name.encode())
        self.add_to(self.inode(folder) + 8, "<I", ENTRY)
        self.add_to(self.inode(inode) + 2, "<H", 1)

    def folder(self, parent, name):
        inode = self.new_inode(FOLDER | 0o755, 0)
        self.name(parent, name, inode)
        self.name(inode, ".", inode)
        self.name(inode, "..", parent)
        return inode

    def file(self, folder, name, number, size, blocks=None):
        """A file with the contents of that number; of `blocks` only, the others are holes."""
        inode = self.new_inode(FILE | 0o644, size)
        self.name(folder, name, inode)
        for block in range((size + BLOCK - 1) // BLOCK) if blocks is None else blocks:
            length = min(BLOCK, size - block * BLOCK)
            self.write(inode, block, contents(number, block * BLOCK, length))
        return inode

    def link(self, folder, name, target):
        inode = self.new_inode(LINK | 0o777, len(target))
        self.name(folder, name, inode)
        self.write(inode, 0, target.encode())


def fill(disk):
    root = 1
    there = disk.folder(root, "disk")  # what is read, and stays
    small = disk.file(there, "small", 1, 300)
    disk.file(there, "seven", 2, 7 * BLOCK)
    disk.file(there, "middle", 3, 60000)
    disk.file(there, "large", 4, 720 * BLOCK + 5, [0, 6, 7, 262, 263, 264, 519, 700, 720])
    disk.file(there, "deep", 5, 66100 * BLOCK + 17, [0, 300, 65798, 65799, 66055, 66100])
    disk.file(there, "hole", 6, 10000, [])
    disk.file(there, "empty", 7, 0)
    disk.name(there, "n" * 60, small)
    disk.link(there, "link", "small")
    disk.link(there, "long-link", "folder/" + "./" * 200 + "a")
    folder = disk.folder(there, "folder")
    disk.file(folder, "a", 8, 2000)
    disk.file(disk.folder(folder, "inner"), "b", 9, 3000)
    crowd = disk.folder(there, "crowd")  # more names than seven blocks hold
    for i in range(130):
        disk.name(crowd, f"name{i}", small)
    for name in ("overwrite", "kept", "append", "shorter", "remove", "times"):  # what is changed
        where = disk.folder(root, name)
        for number, size in enumerate((300, 5000, 60000, 7 * BLOCK, 40 * BLOCK), 1):
            disk.file(where, f"f{number}", number, size)
    disk.folder(root, "create")  # where the first files are made


def main():
    with open(sys.argv[1], "r+b") as file:
        disk = Disk(bytearray(file.read()))
        fill(disk)
        file.seek(0)
        file.write(disk.data)


if __name__ == "__main__":
    main()
