package srs

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

const (
	// temporaryExtension is that of a file that is going to take the place of another.
	temporaryExtension = ".tmp"
	// maxCopied is how many octets are copied at most so that a change is there at once or not at all.
	maxCopied = 32 << 20
)

// replaced writes a file anew: what it had up to an octet, and something else from there on. A process that dies leaves the old one or the new
// one, whole. It returns the open new file, or the old one with an error.
func replaced(old *os.File, name string, keep int64, rest []byte) (*os.File, error) {
	//nolint:gosec // a name made here in the configured directory
	file, err := os.OpenFile(name+temporaryExtension, os.O_RDWR|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return old, err
	}
	_, err = io.Copy(file, io.NewSectionReader(old, 0, keep))
	if err == nil {
		_, err = file.Write(rest)
	}
	if err == nil { // a machine that dies must not leave the new name with nothing behind it
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(name+temporaryExtension, name)
	}
	if err != nil {
		return old, errors.Join(err, file.Close(), os.Remove(name+temporaryExtension))
	}

	return file, old.Close()
}

// clean removes what a process has left in the folder of a recording when it died while it wrote a file anew.
func clean(directory string) error {
	names, err := filepath.Glob(filepath.Join(directory, "*"+temporaryExtension))
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}

	return err
}
