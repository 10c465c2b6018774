using System.Globalization;
using Ciba.AspNetCore.Clients;

namespace Ciba.AspNetCore.Tests;

/// <summary>What is remembered to save time takes no more memory than it may.</summary>
public sealed class BoundedMemoryTests
{
    [Test]
    public void Beyond_its_bound_it_begins_anew_with_what_came_last()
    {
        var memory = new BoundedMemory<int>(3);

        for (var i = 0; i < 7; i++)
        {
            memory.Set(Key(i), i);
        }

        Assert.That(Enumerable.Range(0, 7).Where(i => memory.TryGet(Key(i), out _)), Is.EqualTo(new[] { 6 }));
    }

    [Test]
    public void The_same_key_takes_one_place()
    {
        var memory = new BoundedMemory<int>(2);
        memory.Set(Key(0), 0);

        for (var i = 1; i < 10; i++)
        {
            memory.Set(Key(1), i);
            memory.GetOrAdd(Key(1), () => -1);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(memory.TryGet(Key(0), out _));
            Assert.That(memory.GetOrAdd(Key(1), () => -1), Is.EqualTo(9));
        }
    }

    [Test]
    public void What_is_made_is_kept_up_to_the_bound()
    {
        var memory = new BoundedMemory<object>(2);
        var first = memory.GetOrAdd(Key(0), () => new object());

        Assert.That(memory.GetOrAdd(Key(0), () => new object()), Is.SameAs(first));
        memory.GetOrAdd(Key(1), () => new object());
        memory.GetOrAdd(Key(2), () => new object());
        Assert.That(memory.GetOrAdd(Key(0), () => new object()), Is.Not.SameAs(first));
    }

    private static string Key(int number) => number.ToString(CultureInfo.InvariantCulture);
}
