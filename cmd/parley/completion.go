package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/parley-sip/parley/siprec/srs"
)

//go:embed completion
var completionFiles embed.FS

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the script of a shell. It asks this program again for each word (completeCommand), so that it never is of another version.
func (c *completionCommand) Run(t *terminal) error {
	script, err := completionFiles.ReadFile("completion/parley." + c.Shell)
	if err != nil {
		return fmt.Errorf("completion: %w", err)
	}
	_, err = t.out.Write(script)
	return err
}

type completeCommand struct {
	Words []string `arg:"" optional:""`
}

const (
	// completionTimeout bounds how long a shell waits for a server that does not answer.
	completionTimeout = time.Second
	completionLimit   = 200
	// completeFiles is printed where the shell is to complete names of files by itself.
	completeFiles = ":files"
)

// plainWord is what no shell takes for anything but a word. Identifiers of conferences are what anybody has dialled: one with "$(" in it is not offered, since
// a shell that is asked to complete may put it into the command line as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// Run prints what the last of the words may become, a line each, with a description behind a tab.
func (c *completeCommand) Run(ctx context.Context, k *kong.Context, t *terminal) error {
	if len(c.Words) == 0 {
		return nil
	}
	last := len(c.Words) - 1
	line := readLine(k.Model.Node, c.Words[:last])
	var out strings.Builder
	for _, found := range line.complete(ctx, c.Words[last]) {
		if found.word == completeFiles {
			out.WriteString(completeFiles + "\n")
		} else if strings.HasPrefix(found.word, c.Words[last]) && plainWord.MatchString(found.word) {
			out.WriteString(found.word + "\t" + harmless(found.about) + "\n")
		}
	}
	_, err := io.WriteString(t.out, out.String())
	return err
}

// candidate is a word with what is said about it.
type candidate struct{ word, about string }

// commandLine is what the words before the one to complete have said.
type commandLine struct {
	node   *kong.Node
	place  int               // of the next positional argument
	open   *kong.Flag        // its value comes next
	values map[string]string // of flags by name with --, and of arguments by what completes them; the first of each
	over   bool              // -- has ended the flags
}

func readLine(root *kong.Node, words []string) *commandLine {
	l := &commandLine{node: root, values: map[string]string{}}
	for _, word := range words {
		name, value, given := strings.Cut(word, "=")
		switch flag := l.flag(name); {
		case l.open != nil:
			l.set("--"+l.open.Name, word)
			l.open = nil
		case l.over || !strings.HasPrefix(word, "-"):
			l.argument(word)
		case word == "--":
			l.over = true
		case flag == nil || flag.IsBool():
		case given:
			l.set("--"+flag.Name, value)
		default:
			l.open = flag
		}
	}
	return l
}

func (l *commandLine) set(key, value string) {
	if _, known := l.values[key]; !known {
		l.values[key] = value
	}
}

// flags are those that may stand here.
func (l *commandLine) flags() []*kong.Flag {
	var all []*kong.Flag
	for _, group := range l.node.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}

// flag gives the one called --name or -n; nil: there is none.
func (l *commandLine) flag(name string) *kong.Flag {
	for _, f := range l.flags() {
		if name == "--"+f.Name || f.Short != 0 && name == "-"+string(f.Short) {
			return f
		}
	}
	return nil
}

// argument takes a word that is neither a flag nor the value of one.
func (l *commandLine) argument(word string) {
	for _, child := range l.node.Children {
		if child.Name == word {
			l.node = child
			return
		}
	}
	if p := l.positional(); p != nil {
		l.set(p.Tag.Get("complete"), word)
		l.place++
	}
}

// positional is the argument that comes next, nil if there is none. The last may be there several times.
func (l *commandLine) positional() *kong.Positional {
	all := l.node.Positional
	if l.place < len(all) {
		return all[l.place]
	}
	if n := len(all); n > 0 && all[n-1].IsCumulative() {
		return all[n-1]
	}
	return nil
}

func (l *commandLine) complete(ctx context.Context, word string) []candidate {
	if l.open != nil {
		return l.valuesOf(ctx, l.open.Value, "", word)
	}
	if name, typed, given := strings.Cut(word, "="); given && !l.over && strings.HasPrefix(word, "--") {
		if f := l.flag(name); f != nil {
			return l.valuesOf(ctx, f.Value, name+"=", typed)
		}
		return nil
	}
	var found []candidate
	if strings.HasPrefix(word, "-") && !l.over {
		for _, f := range l.flags() {
			found = append(found, candidate{"--" + f.Name, f.Help})
		}
		return found
	}
	for _, child := range l.node.Children {
		if !child.Hidden {
			found = append(found, candidate{child.Name, child.Help})
		}
	}
	if p := l.positional(); p != nil {
		found = append(found, l.valuesOf(ctx, p, "", word)...)
	}
	return found
}

// valuesOf are those that a flag or an argument may have; of lists, the one after the last comma is completed.
func (l *commandLine) valuesOf(ctx context.Context, v *kong.Value, before, typed string) []candidate {
	if at := strings.LastIndexByte(typed, ','); at >= 0 && v.IsSlice() {
		before += typed[:at+1]
	}
	var found []candidate
	switch what := v.Tag.Get("complete"); {
	case v.Enum != "":
		for _, each := range v.EnumSlice() {
			found = append(found, candidate{word: each})
		}
	case what == "files" || v.Tag.Type == "path" || v.Tag.Type == "existingfile":
		return []candidate{{word: completeFiles}}
	case what != "":
		found = l.fromServer(ctx, what)
	}
	for i := range found {
		found[i].word = before + found[i].word
	}
	return found
}

// fromServer asks the server that the command would talk to. Without an answer there is nothing to complete.
func (l *commandLine) fromServer(ctx context.Context, what string) []candidate {
	in := l.values["conferences"]
	var at string
	word, about := "id", []string{"name"}
	switch what {
	case "conferences":
		at = "/conferences"
	case "participants":
		at, about = path("conferences", in, "participants"), []string{"display_name", "uri"}
	case "recordings":
		at, about = path("conferences", in, "recordings"), []string{"state", "started_at"}
	case "servers":
		at, word, about = "/recording/servers", "name", []string{"state", "uri"}
	case "bans":
		at, word, about = "/bans", "source", []string{"until"}
	case "stored":
		at, about = fmt.Sprintf("/srs/recordings?limit=%d", completionLimit), []string{"state", "started_at"}
		if directory := l.values["--dir"]; directory != "" {
			return stored(directory)
		}
	default:
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	var listed []map[string]any
	if l.server().client().get(ctx, at, &listed) != nil {
		return nil
	}
	found := make([]candidate, 0, len(listed))
	for _, each := range listed {
		var said []string
		for _, key := range about {
			if text, ok := each[key].(string); ok && text != "" {
				said = append(said, text)
			}
		}
		id, _ := each[word].(string)
		found = append(found, candidate{id, strings.Join(said, ", ")})
	}
	return found
}

// stored are the recordings in a directory.
func stored(directory string) []candidate {
	list, err := srs.Library{Directory: directory}.List(srs.Query{Limit: completionLimit})
	if err != nil {
		return nil
	}
	found := make([]candidate, len(list))
	for i := range list {
		found[i] = candidate{list[i].ID, fmt.Sprintf("%s, %s", list[i].State, list[i].StartedAt.Format(time.RFC3339))}
	}
	return found
}

// server is where the command would find it: by a flag, the environment, or the default.
func (l *commandLine) server() *server {
	value := func(name string) string {
		if given, ok := l.values[name]; ok {
			return given
		}
		f := l.flag(name)
		if f == nil {
			return ""
		}
		for _, variable := range f.Envs {
			if set, ok := os.LookupEnv(variable); ok {
				return set
			}
		}
		return f.Default
	}
	return &server{API: value("--api"), Token: value("--token")}
}
