package prompts

import "strconv"

// Number gives the prompts that say a number of at least 0: the one that is there for it, else those of its parts as English puts
// them together. Beyond 999999 it is said digit by digit.
func (l *Library) Number(n int) []string {
	name := "number-" + strconv.Itoa(n)
	switch _, whole := l.sounds[name]; {
	case whole:
		return []string{name}
	case n < 0:
		return nil
	case n < 100:
		return []string{"number-" + strconv.Itoa(n/10*10), "number-" + strconv.Itoa(n%10)}
	case n < 1000:
		return l.rest(append(l.Number(n/100), "hundred"), n%100)
	case n < 1000000:
		return l.rest(append(l.Number(n/1000), "thousand"), n%1000)
	default:
		return l.Keys(strconv.Itoa(n))
	}
}

func (l *Library) rest(before []string, n int) []string {
	if n == 0 {
		return before
	}
	return append(before, l.Number(n)...)
}

// Keys gives the prompts that say the keys of a telephone one by one; there are none for A to D.
func (l *Library) Keys(keys string) []string {
	var list []string
	for _, key := range keys {
		switch {
		case key == '*':
			list = append(list, "star")
		case key == '#':
			list = append(list, "pound")
		case key >= '0' && key <= '9':
			list = append(list, "number-"+string(key))
		}
	}
	return list
}
