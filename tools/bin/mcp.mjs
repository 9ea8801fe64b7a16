#!/usr/bin/env node
import '../bootstrap/run.mjs';
