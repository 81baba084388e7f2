// Package config reads parley.yml and the environment.
//
// The file is strict: an unknown key, a value of the wrong kind or out of range is an error that names the file, the line, the key
// and what would be accepted. Every key can be set by an environment variable PARLEY_SECTION_KEY as well, which wins over the
// file. Keys whose capability this version does not have are refused where silence would be unsafe (a PIN that nobody asks for
// would leave a conference open), see docs/roadmap.md.
//
//	cfg, err := config.Load("parley.yml", os.Environ())
//	if err != nil {
//		fmt.Fprintln(os.Stderr, err) // parley.yml:12: media.ports: …
//	}
//
// The package only reads and checks; cmd/parley turns the values into each package's own Config. A Config is a value: not changed
// after Load, and safe to share.
package config
