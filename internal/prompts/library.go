package prompts

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sound"
)

// Rate is that of all prompts, in Hz.
const Rate = 48000

// English is the language that is built in.
const English = "en"

// ErrLibrary says what is wrong with a directory of prompts.
var ErrLibrary = errors.New("prompts")

//go:embed en
var builtin embed.FS

// Library is a set of prompts. It is safe for concurrent use.
type Library struct {
	sounds map[string]*entry
}

// entry is a sound that is decoded when it is first wanted.
type entry struct {
	data []byte
	once sync.Once
	pcm  []int16
}

// New gives the built-in prompts, with those of dir/language over them. An empty dir is none, an empty language English. Every file
// is looked at, so that no prompt can fail later. Error: ErrLibrary.
func New(dir, language string) (*Library, error) {
	if language == "" {
		language = English
	}
	if strings.ContainsAny(language, `/\.`) {
		return nil, fmt.Errorf("%w: %q is no language", ErrLibrary, language)
	}
	l := &Library{sounds: map[string]*entry{}}
	names := Names()
	if language == English {
		for _, name := range names {
			data, err := builtin.ReadFile(path.Join(English, name+".opus"))
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrLibrary, err)
			}
			l.sounds[name] = &entry{data: data}
		}
	} else if dir == "" {
		return nil, fmt.Errorf("%w: no directory with language %q", ErrLibrary, language)
	}
	if dir != "" {
		if err := l.read(filepath.Join(dir, language)); err != nil {
			return nil, err
		}
	}
	var missing []string
	for _, name := range names {
		if l.sounds[name] == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%w: %s has no %s", ErrLibrary, filepath.Join(dir, language), strings.Join(missing, ", "))
	}
	return l, nil
}

// read takes the files of a directory. Those of other names are numbers, as a rule, that the language has words for.
func (l *Library) read(dir string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is no directory %s", ErrLibrary, dir)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLibrary, err)
	}
	for _, file := range files {
		kind := path.Ext(file.Name())
		if file.IsDir() || !slices.Contains([]string{".opus", ".ogg", ".wav"}, kind) {
			continue
		}
		name := strings.TrimSuffix(file.Name(), kind)
		data, err := os.ReadFile(filepath.Join(dir, file.Name())) //nolint:gosec // the operator names the directory
		if err != nil {
			return fmt.Errorf("%w: %w", ErrLibrary, err)
		}
		e := &entry{data: data}
		if err := e.decode(); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrLibrary, filepath.Join(dir, file.Name()), err)
		}
		e.once.Do(func() {})
		l.sounds[name] = e
	}
	return nil
}

// decode makes the samples.
func (e *entry) decode() error {
	pcm, rate, err := sound.Decode(e.data)
	if err != nil {
		return err
	}
	e.data = nil
	if rate == Rate {
		e.pcm = pcm
		return nil
	}
	r, err := codecs.NewResampler(rate, Rate)
	if err != nil {
		return err
	}
	e.pcm = make([]int16, r.OutputSamples(len(pcm)))
	e.pcm = e.pcm[:r.Process(e.pcm, pcm)]
	return nil
}

// Sound gives the samples of a prompt, mono at Rate; false if there is none of that name. They must not be written to.
func (l *Library) Sound(name string) (pcm []int16, ok bool) {
	e := l.sounds[name]
	if e == nil {
		return nil, false
	}
	e.once.Do(func() { _ = e.decode() }) // those of files were decoded before, those built in are tested
	return e.pcm, len(e.pcm) > 0
}

// Names lists all prompts that a language has to have, in the order of en/prompts.txt.
func Names() []string {
	list := lines()
	names := make([]string, 0, len(list))
	for _, line := range list {
		names = append(names, line.name)
	}
	return names
}

// Text is what a built-in prompt says.
func Text(name string) string {
	for _, line := range lines() {
		if line.name == name {
			return line.text
		}
	}
	return ""
}

type line struct{ name, text string }

func lines() []line {
	file, err := builtin.Open(path.Join(English, "prompts.txt"))
	if err != nil {
		return nil // is embedded
	}
	defer file.Close() //nolint:errcheck // of memory
	var list []line
	for in := bufio.NewScanner(file); in.Scan(); {
		if name, text, ok := strings.Cut(in.Text(), "\t"); ok && !strings.HasPrefix(name, "#") {
			list = append(list, line{name: name, text: text})
		}
	}
	return list
}
