// Contender (a'): a Worker that proxies and sets the headers Weir sets, one on the request and two on the response.
interface Env {
  readonly ORIGIN_URL: string;
}

export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const forwarded = new Request(env.ORIGIN_URL + pathname + search, request);
    forwarded.headers.set('X-Auth-Subject', 'alice');
    const answer = await fetch(forwarded);
    const response = new Response(answer.body, answer);
    response.headers.append('RateLimit-Policy', '"10000000/minute";q=10000000;w=60');
    response.headers.append('RateLimit', '"10000000/minute";r=9999999;t=60');
    return response;
  },
} satisfies ExportedHandler<Env>;
