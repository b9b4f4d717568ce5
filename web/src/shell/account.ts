// Calls about one's own account, apart from the entries' small api.ts because only these pages need them.
import { api, get, session, session_take, type SessionReply } from '../kit/api'

export interface OpenSession { id: number; current: boolean; created_at: string; seen_at: string; address: string; agent: string }

export const sessions_get = async (): Promise<OpenSession[]> => (await get<{ items: OpenSession[] }>('/session/list')).items
export interface News { at: string; topic: string; by: string | null }
export const news_get = async (): Promise<News[]> => (await get<{ items: News[] }>('/session/news')).items
export const session_end = (id: number) => api<void>('DELETE', '/session/list/' + id)
export const sessions_end_others = () => api<void>('DELETE', '/session/others')

export const factor_begin = (password: string) => api<{ secret: string; uri: string }>('POST', '/session/factor', { body: { password } })
export const factor_confirm = (code: string) => api<{ recovery: string[] }>('POST', '/session/factor/confirm', { body: { code } })
export const factor_remove = (password: string) => api<void>('POST', '/session/factor/remove', { body: { password } })
export const token_make = (body: object) => api<{ token: string }>('POST', '/tokens', { body })

/* What the server says about this session now; a page that waited for it goes on by itself. */
export async function session_again(): Promise<void> {
  session_take(await get<SessionReply>('/session'))
}
export const me = () => session.user

/* "Chrome · Windows" out of a browser's self-description: what a person recognises as his own device. Programs say their
   name first ("curl/7.88"). The order matters: Edge and WeChat also call themselves Chrome, everybody Safari. */
const BROWSERS: [RegExp, string][] = [[/MicroMessenger/, 'WeChat'], [/Edg/, 'Edge'], [/Firefox/, 'Firefox'], [/Chrom/, 'Chrome'], [/Safari/, 'Safari']]
const SYSTEMS: [RegExp, string][] = [[/HarmonyOS/, 'HarmonyOS'], [/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS/, 'macOS'], [/Linux/, 'Linux']]
export function agent_text(agent: string): string {
  const name = (list: [RegExp, string][]) => list.find(([mark]) => mark.test(agent))?.[1]
  return [name(BROWSERS), name(SYSTEMS)].filter(Boolean).join(' · ') || agent.split(' ')[0]
}
