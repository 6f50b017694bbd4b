package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

// of makes a notification of an account with a text, which stands for what it holds.
func of(waba, text string) []byte {
	return bytes.Replace(notification(text), []byte(`"id":"300"`), fmt.Appendf(nil, `"id":%q`, waba), 1)
}

// What goes to quarantine waits with everybody else and is written together: strangers' notifications take one
// transaction, not one each, beside those of the accounts that we know.
func TestTheQuarantineIsWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		bodies := [][]byte{of("300", "first")}
		for i := range 40 {
			bodies = append(bodies, of("999", fmt.Sprint("stranger ", i)), []byte("malformed"), of("300", "known"))
		}
		if err := errors.Join(receiveBodies(newIntake(store), bodies...)...); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(store.kept, []int{80}) || !slices.Equal(store.batches, []int{1, 40}) {
			t.Errorf("transactions of %v bodies and of %v messages, want one of 80, and 1 and 40", store.kept, store.batches)
		}
	})
}

// What waits is bounded, also when it is for the quarantine, and also in bytes.
func TestTheQueueIsBoundedForStrangersAndInBytes(t *testing.T) {
	for name, c := range map[string]struct {
		body func(int) []byte
		n    int
		busy int
	}{
		"strangers":  {func(i int) []byte { return of("999", fmt.Sprint(i)) }, maxWaiting + 3, 2},
		"large ones": {func(int) []byte { return notification(string(bytes.Repeat([]byte("x"), 3<<20))) }, 25, 4},
		"unreadable": {func(int) []byte { return bytes.Repeat([]byte("x"), 4<<20) }, 20, 4},
		"small ones": {func(int) []byte { return notification("hello") }, 2000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newIntake(&slowStore{})
				bodies := make([][]byte, c.n)
				for i := range bodies {
					bodies[i] = c.body(i)
				}
				busy := 0
				for _, err := range receiveBodies(in, bodies...) {
					if errors.Is(err, ErrBusy) {
						busy++
					} else if err != nil {
						t.Fatal(err)
					}
				}
				if busy != c.busy || in.waiting != 0 || in.bytes != 0 || in.aboard != 0 {
					t.Errorf("%d told to come again, want %d; %d messages and %d bytes are still counted", busy, c.busy, in.waiting+in.aboard, in.bytes)
				}
			})
		})
	}
}

// A body that the quarantine cannot take is its own sender's trouble.
func TestWhatTheQuarantineRefusesIsItsOwnTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{fails: map[string]error{"never": refusesData{}}}
		errs := receiveBodies(newIntake(store), of("300", "first"), of("999", "a"), of("999", "never"), of("300", "known"))
		for i, err := range errs {
			if (err != nil) != (i == 2) {
				t.Errorf("notification %d is told %v", i, err)
			}
		}
		if len(store.quarantined) != 1 || !slices.Equal(store.kept, []int{2, 1, 1}) {
			t.Errorf("in quarantine: %q, after transactions of %v", store.quarantined, store.kept)
		}
	})
}
