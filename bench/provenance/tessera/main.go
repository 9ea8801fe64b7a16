// Appends to a log of transparency-dev/tessera in a POSIX folder, as bench/provenance/appends.ts does to ours.
//
//	go run ./tessera -folder <empty folder> -count 2000 -callers 64
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	folder := flag.String("folder", "", "empty folder")
	count := flag.Int64("count", 2000, "entries")
	callers := flag.Int("callers", 64, "appends under way at once")
	flag.Parse()
	if err := run(context.Background(), *folder, *count, *callers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, folder string, count int64, callers int) error {
	key, _, err := note.GenerateKey(rand.Reader, "log.example/tessera")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(key)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	if err != nil {
		return err
	}
	// The shortest interval between checkpoints that it allows, and the batch age of its own documentation.
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(100*time.Millisecond).
		WithBatching(uint(callers), 5*time.Millisecond)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 10*time.Millisecond)
	var mutex sync.Mutex
	var durable, signed []float64
	var next atomic.Int64
	var group, published sync.WaitGroup
	failures := make(chan error, callers)
	began := time.Now()
	for range callers {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := next.Add(1); n <= count; n = next.Add(1) {
				since := time.Now()
				future := appender.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "entry %d of this log, as long as a hash and what is around it: %064d", n, n)))
				if _, err := future(); err != nil {
					failures <- err
					return
				}
				took := time.Since(since).Seconds() * 1000
				mutex.Lock()
				durable = append(durable, took)
				mutex.Unlock()
				if n%16 != 0 {
					continue
				}
				published.Add(1)
				go func() {
					defer published.Done()
					if _, _, err := awaiter.Await(ctx, future); err != nil {
						return
					}
					mutex.Lock()
					signed = append(signed, time.Since(since).Seconds()*1000)
					mutex.Unlock()
				}()
			}
		}()
	}
	group.Wait()
	seconds := time.Since(began).Seconds()
	published.Wait()
	select {
	case err := <-failures:
		return err
	default:
	}
	if err := shutdown(ctx); err != nil {
		return err
	}
	text, _ := json.Marshal(map[string]float64{
		"per_second":    float64(count) / seconds,
		"append_p99_ms": quantile(durable, 0.99),
		"signed_p99_ms": quantile(signed, 0.99),
	})
	fmt.Println(string(text))
	return nil
}

func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sort.Float64s(values)
	return values[min(len(values)-1, int(float64(len(values))*q))]
}
