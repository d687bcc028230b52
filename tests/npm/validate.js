// Validates AsyncAPI documents: node validate.js FILE... Prints a JSON list with a report for each file.
import { readFile } from 'node:fs/promises'
import { Parser } from '@asyncapi/parser'

const ERROR = 0
const parser = new Parser()

async function report(file) {
  const { document, diagnostics } = await parser.parse(await readFile(file, 'utf8'))
  const errors = diagnostics
    .filter((one) => one.severity === ERROR)
    .map((one) => ({ code: one.code, path: one.path.join('.'), message: one.message }))
  return { valid: document !== undefined, errors, channels: document?.channels().all().map((one) => one.id()) ?? [] }
}

const reports = []
for (const file of process.argv.slice(2)) reports.push(await report(file))
console.log(JSON.stringify(reports))
