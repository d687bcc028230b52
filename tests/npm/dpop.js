// Plays an engineer's client with the npm packages dpop and jose: node dpop.js JSON. For each algorithm it fetches a
// grant, verifies it with the portal's JWK Set, uses it at a product, and uses the same proof twice.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { calculateThumbprint, generateKeyPair, generateProof } from 'dpop'

const { portal, token, grant, content, algorithms } = JSON.parse(process.argv[2])
const tokenUrl = `${portal}/api/v1/grants/${grant}/token`
const keySet = createRemoteJWKSet(new URL(`${portal}/.well-known/jwks.json`))
const expected = { issuer: 'approval_service', audience: 'lockbox-enforcement-point', typ: 'lockbox-grant+jwt' }

async function read(proof, signed) {
  const answer = await fetch(content, { headers: { Authorization: `DPoP ${signed}`, DPoP: proof } })
  return [answer.status, answer.headers.get('Lockbox-Reason'), await answer.text()]
}

async function play(algorithm) {
  const keys = await generateKeyPair(algorithm)
  const headers = { Authorization: `Bearer ${token}`, DPoP: await generateProof(keys, tokenUrl, 'GET') }
  const answer = await fetch(tokenUrl, { headers })
  const body = await answer.json()
  if (!answer.ok) return { algorithm, fetched: [answer.status, body] }
  const { payload } = await jwtVerify(body.token, keySet, expected)
  const proof = await generateProof(keys, content, 'GET', undefined, body.token)
  const others = await generateKeyPair(algorithm)
  return {
    algorithm,
    fetched: [answer.status],
    bound: payload.cnf.jkt === (await calculateThumbprint(keys.publicKey)),
    subject: payload.sub,
    read: await read(proof, body.token),
    again: await read(proof, body.token),
    stolen: await read(await generateProof(others, content, 'GET', undefined, body.token), body.token)
  }
}

console.log(JSON.stringify(await Promise.all(algorithms.map(play))))
