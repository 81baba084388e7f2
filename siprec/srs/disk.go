package srs

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// freeSpace is what an ordinary user may still write to the file system of a directory.
func freeSpace(directory string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(directory, &s); err != nil {
		return 0, err
	}

	return int64(s.Bavail) * s.Bsize, nil //nolint:gosec // a size of a file system
}

// blockSize is the unit of Stat_t.Blocks, whatever the file system.
const blockSize = 512

// occupied is what a file takes on the disk.
func occupied(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * blockSize
	}

	return info.Size()
}
