// Verifies proof bundles and the files of a transparency log with code that is not the platform's:
// golang.org/x/mod/sumdb/note and tlog, which the Go checksum database is verified with.
//
//	go run ./verify -bundle bundle.json -log <folder with checkpoint and tile/> -key <verifier key>
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type provenEntry struct{ Entry, Proof string }

type bundle struct {
	Entries []provenEntry
	LogKeys []string `json:"log_keys"`
}

type result struct {
	Proofs  int   `json:"proofs"`
	Refused int   `json:"changed_entries_refused"`
	Size    int64 `json:"log_entries"`
	Tiles   int64 `json:"entries_proven_from_tiles"`
	Older   int64 `json:"older_trees_proven"`
}

func main() {
	path := flag.String("bundle", "", "proof bundle")
	folder := flag.String("log", "", "folder of a log: checkpoint and tile/")
	key := flag.String("key", "", "verifier key of the log")
	flag.Parse()
	var out result
	if err := run(*path, *folder, *key, &out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, _ := json.Marshal(out)
	fmt.Println(string(text))
}

func run(path, folder, key string, out *result) error {
	if path != "" {
		if err := checkBundle(path, out); err != nil {
			return err
		}
	}
	if folder != "" {
		return checkLog(folder, key, out)
	}
	return nil
}

func checkBundle(path string, out *result) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var given bundle
	if err := json.Unmarshal(raw, &given); err != nil {
		return err
	}
	var keys []note.Verifier
	for _, text := range given.LogKeys {
		key, err := note.NewVerifier(text)
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	for _, one := range given.Entries {
		if err := checkProof(one.Entry, one.Proof, keys); err != nil {
			return fmt.Errorf("proof %d: %w", out.Proofs, err)
		}
		out.Proofs++
		if checkProof(one.Entry+" ", one.Proof, keys) == nil {
			return errors.New("a changed entry verifies")
		}
		out.Refused++
	}
	return nil
}

func checkProof(entry, proof string, keys []note.Verifier) error {
	head, signed, found := strings.Cut(proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no proof of C2SP tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var path tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		path = append(path, hash)
	}
	tree, err := openCheckpoint([]byte(signed), keys)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash([]byte(entry)))
}

func openCheckpoint(signed []byte, keys []note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(keys...))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != opened.Sigs[0].Name {
		return tlog.Tree{}, errors.New("the origin is not who signed")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(raw) != tlog.HashSize {
		return tlog.Tree{}, errors.New("no root")
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(raw)}, nil
}

// tiles reads the tiles of a folder; tlog verifies them against the root before it uses them.
type tiles struct{ folder string }

func (t tiles) Height() int { return 8 }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range wanted {
		// tile/8/<level>/… of the checksum database is tile/<level>/… of C2SP tlog-tiles.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil && tile.W < 256 {
			bytes, err = os.ReadFile(filepath.Join(t.folder, path[:strings.Index(path, ".p/")]))
			if err == nil {
				bytes = bytes[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

// checkLog verifies the checkpoint, every entry against tiles that tlog has verified, and that older trees are beginnings of it.
func checkLog(folder, key string, out *result) error {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(signed, []note.Verifier{verifier})
	if err != nil {
		return err
	}
	out.Size = tree.N
	hashes := tlog.TileHashReader(tree, tiles{folder})
	for at := int64(0); at < tree.N; at += 256 {
		if err := checkEntries(folder, at, min(256, tree.N-at), hashes, out); err != nil {
			return err
		}
	}
	for size := int64(1); size < tree.N; size += 1 + tree.N/64 {
		old, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, old); err != nil {
			return err
		}
		out.Older++
	}
	return nil
}

func checkEntries(folder string, at, width int64, hashes tlog.HashReader, out *result) error {
	path := tlog.Tile{H: 8, L: 0, N: at / 256, W: int(width)}.Path()
	raw, err := os.ReadFile(filepath.Join(folder, strings.Replace(path, "tile/8/0/", "tile/entries/", 1)))
	if err != nil {
		return err
	}
	var indexes []int64
	var leaves []tlog.Hash
	for n := range width {
		length := int(binary.BigEndian.Uint16(raw))
		leaves = append(leaves, tlog.RecordHash(raw[2:2+length]))
		indexes = append(indexes, tlog.StoredHashIndex(0, at+n))
		raw = raw[2+length:]
	}
	if len(bytes.TrimSpace(raw)) > 0 {
		return fmt.Errorf("%s goes on behind its last entry", path)
	}
	kept, err := hashes.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for n, leaf := range leaves {
		if kept[n] != leaf {
			return fmt.Errorf("entry %d is not in the tree", at+int64(n))
		}
		out.Tiles++
	}
	return nil
}
