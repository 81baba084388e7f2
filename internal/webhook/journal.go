package webhook

import (
	"bytes"
	"container/list"
	"log/slog"
	"os"
	"sync"
	"time"
)

// journal is the file of what a hook has not delivered, up to date while the process runs: an event is there some milliseconds after it
// happened, and survives the death of the process. A goroutine of its own writes, so that neither who publishes nor who delivers waits for the
// disk. A nil journal keeps nothing.
//
// The file has a line for each event and one for its end. It is written anew, without what is done with, when it has grown to twice of what it
// began with and a megabyte, so that it is bounded as the queue is.
type journal struct {
	path string
	log  *slog.Logger
	wake chan struct{} // has something in it when there is something new
	quit chan struct{} // closed by close
	done chan struct{}

	mu      sync.Mutex
	live    list.List // letters that are not done with, in the order of their coming
	news    []entry   // not yet in the file
	stale   bool      // the file has to be written anew
	started bool

	// Owned by the goroutine, and by close after it.
	file    *os.File
	size    int64
	base    int64         // size when it was last written anew
	dirty   bool          // something is to be forced to the disk
	backoff time.Duration // 0: the last attempt was successful
}

// entry is a line to come.
type entry struct {
	letter *letter
	done   bool
}

const (
	// journalNews is how many lines may wait for a disk that takes its time; beyond, the file is written anew.
	journalNews = 10_000
	// journalSlack is how large the file may be beside twice what it began with, in octets.
	journalSlack = 1 << 20
	// journalSync is how long an event may be in the hands of the system alone; only the death of the machine could lose it.
	journalSync = time.Second
	// journalRetry and journalLastRetry bound the pause after a failure.
	journalRetry, journalLastRetry = time.Second, 30 * time.Second
)

func newJournal(path string, log *slog.Logger) *journal {
	return &journal{path: path, log: log, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
}

// start begins to write. What was added before is in the file, as another process has left it.
func (j *journal) start() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.started, j.stale, j.news = true, true, nil
	j.nudge()
	go j.run()
}

func (j *journal) add(l *letter) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	l.kept = j.live.PushBack(l)
	j.tell(entry{letter: l})
}

// remove notes that a letter is done with, delivered or given up.
func (j *journal) remove(l *letter) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if l.kept == nil {
		return
	}
	j.live.Remove(l.kept)
	l.kept = nil
	j.tell(entry{letter: l, done: true})
}

// tell has a line written; the lock is held.
func (j *journal) tell(e entry) {
	switch {
	case !j.started || j.stale:
	case len(j.news) >= journalNews:
		j.stale, j.news = true, nil
	default:
		j.news = append(j.news, e)
	}
	j.nudge()
}

func (j *journal) nudge() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// run is the goroutine. After a failure it is patient, whatever comes.
func (j *journal) run() {
	defer close(j.done)
	timer := time.NewTimer(journalSync)
	defer timer.Stop()
	for {
		wake, idle := j.wake, false
		if j.backoff > 0 {
			wake = nil
		}
		select {
		case <-wake:
		case <-timer.C:
			idle = true
		case <-j.quit:
			return
		}
		j.note(j.work(idle))
		switch {
		case j.backoff > 0:
			timer.Reset(j.backoff)
		case j.dirty || j.size > 0 && !idle:
			timer.Reset(journalSync)
		}
	}
}

// work brings the file up to date. idle says that there was time since the last time.
func (j *journal) work(idle bool) error {
	j.mu.Lock()
	news := j.news
	anew := j.stale || j.size > 2*j.base+journalSlack || idle && len(news) == 0 && j.live.Len() == 0 && j.size > 0
	j.news, j.stale = nil, false
	var letters []*letter
	if anew {
		letters = j.letters()
	}
	j.mu.Unlock()
	var err error
	switch {
	case anew:
		err = j.rewrite(letters)
	case len(news) > 0:
		err = j.append(news)
	case j.dirty:
		if err = j.file.Sync(); err == nil {
			j.dirty = false
		}
	}
	if err != nil {
		j.mu.Lock()
		j.stale, j.news = true, nil
		j.mu.Unlock()
	}
	return err
}

// letters are those that are not done with; the lock is held.
func (j *journal) letters() []*letter {
	letters := make([]*letter, 0, j.live.Len())
	for at := j.live.Front(); at != nil; at = at.Next() {
		l, _ := at.Value.(*letter) // nothing else is in it
		letters = append(letters, l)
	}
	return letters
}

// note says when events cannot be kept, and when they can again.
func (j *journal) note(err error) {
	switch {
	case err == nil && j.backoff > 0:
		j.log.Info("undelivered events are kept again")
		j.backoff = 0
	case err != nil && j.backoff == 0:
		j.log.Error("undelivered events cannot be kept; they would be lost with this process", slog.Any("error", err))
		j.backoff = journalRetry
	case err != nil:
		j.backoff = min(2*j.backoff, journalLastRetry)
	}
}

// append writes lines. What has come and is done with since the last time needs none.
func (j *journal) append(news []entry) error {
	brief := map[*letter]bool{}
	for _, e := range news {
		if e.done {
			brief[e.letter] = true
		}
	}
	begun := map[*letter]bool{}
	var text bytes.Buffer
	for _, e := range news {
		begun[e.letter] = begun[e.letter] || !e.done
		if !brief[e.letter] || !begun[e.letter] {
			e.letter.appendTo(&text, e.done)
		}
	}
	if text.Len() == 0 {
		return nil
	}
	if j.file == nil {
		file, err := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, keptMode)
		if err != nil {
			return err
		}
		j.file = file
	}
	if _, err := j.file.Write(text.Bytes()); err != nil {
		return err
	}
	j.size += int64(text.Len())
	j.dirty = true
	return nil
}

// rewrite writes the file anew. Without letters there is none.
func (j *journal) rewrite(letters []*letter) error {
	if j.file != nil {
		_ = j.file.Close() // what is in it is written again, or done with
		j.file = nil
	}
	var text bytes.Buffer
	for _, l := range letters {
		l.appendTo(&text, false)
	}
	if text.Len() == 0 {
		if err := discard(j.path); err != nil {
			return err
		}
	} else if err := replace(j.path, text.Bytes()); err != nil {
		return err
	}
	j.size = int64(text.Len())
	j.base, j.dirty = j.size, false
	return nil
}

// close writes what is left, and tells how much that is. The lanes must have ended.
func (j *journal) close() (kept int, err error) {
	if j == nil {
		return 0, nil
	}
	close(j.quit)
	<-j.done
	j.mu.Lock()
	letters := j.letters()
	j.mu.Unlock()
	if err := j.rewrite(letters); err != nil {
		return len(letters), err
	}
	if len(letters) > 0 {
		j.log.Info("events are kept for later", slog.Int("events", len(letters)))
	}
	return len(letters), nil
}
