using Rollcall.Platform;
using Rollcall.ScopeRules.Data;

var builder = WebApplication.CreateBuilder(args);
builder.AddService<ScopeDbContext>("scope-rules", _ => { });

var app = builder.Build();
await app.RunServiceAsync<ScopeDbContext>(args);
