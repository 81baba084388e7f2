package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/prompts"
)

type checkCommand struct{ configured }

// Run validates a configuration file, reads the files that it names, and says what it is about to do.
func (c *checkCommand) Run(t *terminal) error {
	if c.Config == "" {
		if _, err := os.Stat(defaultFile); err != nil {
			return fmt.Errorf("%w: check needs -c FILE, as there is no ./%s", errUsage, defaultFile)
		}
		c.Config = defaultFile
	}
	cfg, err := c.load()
	if err != nil {
		if _, missing := errors.AsType[*os.PathError](err); missing {
			return err
		}
		return fmt.Errorf("the configuration is not valid\n%w", err)
	}
	if err := readable(cfg); err != nil {
		return fmt.Errorf("the configuration is not valid\n%w", err)
	}
	own := ""
	if cfg.SRS.Enabled {
		own = " and the embedded one"
	}
	t.printf("%s is valid: %s, %s, %s%s\n", c.Config, several(len(cfg.SIP.Listen), "listener"), several(len(cfg.Conferences), "conference"),
		several(len(cfg.Recording.Servers), "recording server"), own)
	return nil
}

// readable reads the files that a server reads when it starts: certificates, secrets, sounds and prompts. It opens nothing for writing. A secret
// in a variable is that of the server's environment, which need not be the one here.
func readable(cfg *config.Config) error {
	quiet := slog.New(slog.DiscardHandler)
	settings := focusConfig(cfg, nil)
	problems := []error{addSounds(cfg, &settings)}
	_, err := tlsSettings(&cfg.SIP)
	problems = append(problems, err)
	if cfg.SRS.Enabled {
		_, err = recorderConfig(cfg, quiet)
		problems = append(problems, err)
	}
	_, err = controlConfig(cfg, quiet)
	problems = append(problems, err)
	_, err = prompts.New(cfg.Prompts.Dir, cfg.Prompts.Language)
	problems = append(problems, err)
	for i := range cfg.Events.Webhooks {
		hook := cfg.Events.Webhooks[i]
		hook.SecretEnv = ""
		if _, err := webhookConfig(&hook); err != nil {
			problems = append(problems, fmt.Errorf("events.webhooks[%d].%w", i, err))
		}
	}
	return errors.Join(problems...)
}

// several is a number of things in words.
func several(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
