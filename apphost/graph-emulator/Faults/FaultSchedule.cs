namespace Rollcall.GraphEmulator.Faults;

/// <summary>The faults chosen for one call.</summary>
public sealed class FaultPick(List<FaultRule> rules)
{
    public static readonly FaultPick None = new([]);

    public List<FaultRule> Rules => rules;

    public bool Has(FaultKind kind) => rules.Exists(rule => rule.Kind == kind);

    public FaultRule? First(params ReadOnlySpan<FaultKind> kinds)
    {
        foreach (var rule in rules)
        {
            if (kinds.Contains(rule.Kind))
            {
                return rule;
            }
        }

        return null;
    }
}

/// <summary>The planned faults. Chances come from a seeded generator, so the same calls fail in the same way again.</summary>
public sealed class FaultSchedule
{
    private readonly Lock gate = new();
    private List<FaultRule> rules = [];
    private Random random = new(1);

    public List<FaultRule> Rules
    {
        get
        {
            lock (gate)
            {
                return [.. rules];
            }
        }
    }

    public void Add(IEnumerable<FaultRule> added)
    {
        lock (gate)
        {
            rules = [.. rules, .. added];
        }
    }

    public bool Remove(Guid id)
    {
        lock (gate)
        {
            var kept = rules.Where(rule => rule.Id != id).ToList();
            var found = kept.Count < rules.Count;
            rules = kept;
            return found;
        }
    }

    /// <summary>Ends all faults, or those of one tenant.</summary>
    public void Clear(Guid? tenant)
    {
        lock (gate)
        {
            rules = tenant is null ? [] : [.. rules.Where(rule => rule.Tenant != tenant)];
        }
    }

    public void Seed(int seed)
    {
        lock (gate)
        {
            random = new(seed);
        }
    }

    public FaultPick Pick(Guid? tenant, string method, string path, string query, bool inBatch)
    {
        if (rules.Count == 0)
        {
            return FaultPick.None;
        }

        lock (gate)
        {
            var chosen = rules.Where(rule =>
                (!inBatch || rule.InBatch) && rule.Matches(tenant, method, path, query) && rule.Fires(random)
            );
            return new([.. chosen]);
        }
    }
}
