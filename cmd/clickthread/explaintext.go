package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/webhook"
)

// clickedBefore is how long before a pretended message its ad was clicked.
const clickedBefore = time.Minute

// explainText says what a text would do, by rule files alone.
func (c *explainCmd) explainText(out *console) error {
	s, err := pathArgs{configFlag: c.configFlag}.settings(out)
	if err != nil {
		return err
	}
	path := c.Rules
	if path == "" {
		if path = s.Rules; path == "" {
			path = configs.Defaults().Rules
		}
	}
	files, err := readRuleFiles(s, []string{path})
	if err != nil {
		return fmt.Errorf("%w; name rule files with --rules PATH", err)
	}
	files.sortProblems()
	chosen, err := files.choose(c.Account, path)
	if err != nil {
		return usage(err)
	}
	set, problems := rules.NewSet(chosen.owner, chosen.files...)
	problems = append(files.inTheWay(chosen.owner.ID), problems...)
	if errs, _ := count(problems); errs > 0 {
		if c.JSON {
			_ = out.json(map[string]any{"problems": problemLines(problems)})
		} else {
			printProblems(out, problems)
		}
		return findings()
	}
	e, err := c.pretend(chosen.owner, set)
	if err != nil {
		return usage(err)
	}
	e.Judged = path
	if c.JSON {
		return out.json(e)
	}
	e.print(out)
	return nil
}

// choose finds the files of the account that is asked about, or of the only one.
func (r *ruleFiles) choose(accountID, path string) (fileSet, error) {
	known := slices.IndexFunc(r.owners, func(o rules.Owner) bool { return o.ID == accountID })
	if accountID != "" && known < 0 {
		return fileSet{}, fmt.Errorf("the settings have no account %q", accountID)
	}
	of := func(id string) (sets []fileSet) {
		for _, set := range r.sets {
			if set.owner.ID == id {
				sets = append(sets, set)
			}
		}
		return sets
	}
	sets := r.sets
	if accountID != "" {
		if sets = of(accountID); len(sets) == 0 { // files elsewhere, as that account's
			sets = of("")
			for i := range sets {
				sets[i].owner = r.owners[known]
			}
		}
	}
	switch {
	case len(sets) == 1:
		return sets[0], nil
	case len(sets) == 0 && len(r.problems) > 0: // which say more
		return fileSet{owner: rules.Owner{ID: accountID}}, nil
	case len(sets) == 0:
		return fileSet{}, fmt.Errorf("no rule file in %s is for account %q", path, accountID)
	case len(r.owners) == 0:
		return fileSet{}, errors.New("these files do not belong together; name those of one account with --rules PATH")
	}
	return fileSet{}, fmt.Errorf("these files are for several accounts; say which with --account: %s", strings.Join(r.judgedFor(), ", "))
}

// inTheWay are the problems of an account: those in the folders of others are not.
func (r *ruleFiles) inTheWay(accountID string) []rules.Problem {
	return slices.DeleteFunc(slices.Clone(r.problems), func(p rules.Problem) bool {
		place, ok := r.place(p.Path)
		folder, _, inFolder := strings.Cut(filepath.ToSlash(place), "/")
		return p.Warning || ok && inFolder && folder != accountID
	})
}

// pretend judges the text as if it came in.
func (c *explainCmd) pretend(owner rules.Owner, set *rules.Set) (explanation, error) {
	library := &rules.Library{}
	library.Swap(map[string]*rules.Set{owner.ID: set})
	planner := &webhook.Planner{
		Accounts: account.NewRegistry(nil), Rules: library,
		NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) },
	}
	at, number, clicked := c.At.Time, c.Number, clickedBefore
	if at.IsZero() {
		at = now()
	}
	if number == "" && len(owner.PhoneNumberIDs) > 0 {
		number = owner.PhoneNumberIDs[0]
	}
	note := "as if the customer had clicked an ad a minute before, one that no rule's \"if\" names; --no-click is without"
	if c.NoClick {
		clicked, note = 0, "as if no ad had been clicked"
	}
	snap, arrival, err := planner.Pretend(owner.ID, number, c.Message, at, c.We, clicked)
	if err != nil {
		return explanation{}, err
	}
	explained, err := planner.Explain(snap, nil, arrival)
	if err != nil {
		return explanation{}, fmt.Errorf("this text cannot be judged: %w", err)
	}
	e := explanationOf(owner.ID, set, explained)
	e.Message = &explainedMessage{Kind: "text", At: at, Ours: c.We, Pretended: true}
	e.Notes = []string{note, "as the first message of its conversation: nothing was sent or quoted before"}
	return e, nil
}
