// Package prompts is the library of what the focus says: a sound for each name, and how numbers and keys are said.
//
// The English prompts are built in. They were made by scripts/prompts.sh from en/prompts.txt, which lists all names. A directory of
// files NAME.opus or NAME.wav replaces them one by one; of another language it has to have them all.
//
//	library, err := prompts.New("/etc/parley/prompts", "de") // reads /etc/parley/prompts/de
//	pcm, ok := library.Sound("enter-pin")                     // mono, at prompts.Rate
package prompts
